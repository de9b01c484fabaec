//! Finding what other programs use, and the desk: what is added is written without a secret, and removed again.

use std::collections::BTreeMap;
use std::sync::Arc;

use kopi_feed::source::BoxFuture;
use kopi_model::wire::{Act, Answer, ApiError, ErrorCode, NewConnection, Query, SecretText, Settings, Theme};

use super::tests::{Chain, environment, kinds};
use super::*;
use crate::{Desk, Paths};

struct NoDemo;

impl Demo for NoDemo {
    fn switch(&self, _: bool) -> BoxFuture<'_, Result<Vec<crate::CoreConnection>, ApiError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn me(&self) -> Vec<String> {
        vec!["demo".into()]
    }
}

#[test]
fn what_other_programs_use_is_found_and_shown_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".rancher")).unwrap();
    let cli = r#"{"accessKey":"CK","secretKey":"CS","url":"http://rancher.company.com:8080/v2-beta/schemas","environment":"1a5"}"#;
    std::fs::write(folder.path().join(".rancher/cli.json"), cli).unwrap();
    let variables = BTreeMap::from([
        ("DRONE_SERVER", "https://drone.company.com/"),
        ("DRONE_TOKEN", "drone-secret"),
        ("RANCHER_URL", "http://u:p@other.company.com/v1"),
        ("RANCHER_ACCESS_KEY", "RK"),
    ]);
    let found = discover(
        &|name| variables.get(name).map(|value| (*value).to_owned()),
        Some(folder.path()),
    );
    let shown: Vec<_> = found
        .iter()
        .map(|one| {
            (
                one.found.kind.as_str(),
                one.found.url.as_str(),
                one.found.place.as_str(),
                one.found.complete,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("drone", "https://drone.company.com", "DRONE_SERVER, DRONE_TOKEN", true),
            (
                "rancher",
                "http://other.company.com/v1",
                "RANCHER_URL, RANCHER_ACCESS_KEY",
                false
            ),
            (
                "rancher",
                "http://rancher.company.com:8080/v2-beta",
                "~/.rancher/cli.json",
                true
            ),
        ]
    );
    assert_eq!(
        found[2].fields,
        [
            ("access_key".to_owned(), "CK".to_owned()),
            ("environments".to_owned(), "1a5".to_owned())
        ]
    );
    assert_eq!(found[2].secrets[0].1.expose(), "CS");
    let text = format!("{found:?}");
    assert!(!text.contains("drone-secret") && !text.contains("\"CS\""), "{text}");
    assert_eq!(discover(&|_| None, None).len(), 0);
}

#[tokio::test]
async fn a_found_connection_is_added_its_secret_put_away_and_removed_again() {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::in_home(folder.path());
    std::fs::write(&paths.config, "# mine\n").unwrap();
    let variables = [
        ("DRONE_SERVER", "https://drone.company.com"),
        ("DRONE_TOKEN", "found-token"),
    ];
    let chain = Arc::new(Chain::default());
    let kept = KeptConfig::load_in(&paths, kinds(), environment(&variables, chain.clone(), folder.path()));
    let desk = ConfigDesk::new(kept, Box::new(NoDemo));
    let new = |found: Option<&str>, secrets| NewConnection {
        name: None,
        kind: "drone".into(),
        url: "drone.company.com/?x=1".into(),
        fields: Vec::new(),
        secrets,
        found: found.map(str::to_owned),
        read_only: false,
    };
    let Answer::Found(found) = desk.query(Query::Found).await.unwrap() else {
        panic!()
    };
    let tried = desk.try_out(new(Some(&found[0].id), Vec::new())).await.unwrap();
    assert_eq!(
        (tried.url.as_str(), tried.secrets["token"].expose()),
        ("https://drone.company.com/", "found-token")
    );

    let typed = new(None, vec![("token".into(), SecretText::new("typed-token".into()))]);
    let add = Act::AddConnections {
        connections: vec![new(Some(&found[0].id), Vec::new()), typed],
    };
    let added = desk.act(add).await.unwrap();
    assert_eq!(added, Answer::Added(vec!["drone".into(), "drone-2".into()]));
    let text = std::fs::read_to_string(&paths.config).unwrap();
    assert!(
        text.starts_with("# mine\n") && text.contains("token = { keychain = true }"),
        "{text}"
    );
    assert!(!text.contains("found-token") && !text.contains("typed-token"), "{text}");
    let settings = desk.settings();
    assert_eq!(settings.connections[0].source.secrets["token"].expose(), "found-token");
    assert_eq!(settings.connections[1].source.secrets["token"].expose(), "typed-token");

    let change = Act::ChangeSecret {
        connection: "drone".into(),
        field: "token".into(),
        secret: SecretText::new("new".into()),
    };
    desk.act(change).await.unwrap();
    assert_eq!(desk.settings().connections[0].source.secrets["token"].expose(), "new");
    desk.act(Act::RemoveConnection {
        connection: "drone".into(),
    })
    .await
    .unwrap();
    assert_eq!(
        chain.0.lock().unwrap().keys().map(String::as_str).collect::<Vec<_>>(),
        ["drone-2/token"]
    );
    let set = Act::Set {
        settings: Settings {
            theme: Theme::Dark,
            ..desk.settings().settings
        },
    };
    desk.act(set).await.unwrap();
    assert_eq!(desk.settings().settings.theme, Theme::Dark);
    desk.act(Act::Demo { on: true }).await.unwrap();
    assert_eq!(
        (desk.settings().demo, desk.settings().settings.me),
        (true, vec!["demo".to_owned()])
    );
    desk.act(Act::Demo { on: false }).await.unwrap();
    assert_eq!(desk.settings().connections.len(), 1);
}

#[tokio::test]
async fn without_a_keychain_what_was_found_stays_where_it_is_and_what_was_typed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::in_home(folder.path().join("new"));
    let variables = [
        ("DRONE_SERVER", "https://drone.company.com"),
        ("DRONE_TOKEN", "found-token"),
    ];
    let kept = KeptConfig::load_in(
        &paths,
        kinds(),
        environment(&variables, Arc::new(NoKeychain), folder.path()),
    );
    let desk = ConfigDesk::new(kept, Box::new(NoDemo));
    let mut new = NewConnection {
        name: None,
        kind: "drone".into(),
        url: "https://drone.company.com".into(),
        fields: Vec::new(),
        secrets: vec![("token".into(), SecretText::new("typed".into()))],
        found: None,
        read_only: false,
    };
    let error = desk
        .act(Act::AddConnections {
            connections: vec![new.clone()],
        })
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Secret);
    assert!(!paths.config.exists());
    (new.secrets, new.found) = (Vec::new(), Some("drone-environment".into()));
    desk.act(Act::AddConnections { connections: vec![new] }).await.unwrap();
    assert!(
        std::fs::read_to_string(&paths.config)
            .unwrap()
            .contains("token = { env = \"DRONE_TOKEN\" }")
    );
    assert_eq!(
        desk.settings().connections[0].source.secrets["token"].expose(),
        "found-token"
    );
}
