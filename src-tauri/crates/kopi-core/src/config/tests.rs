//! What a user would miss: the place of a mistake and its cure, a comment that survives, a secret that is found and
//! never shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use kopi_feed::{Field, FieldKind, Secret, SourceKind};
use kopi_model::wire::{ApiError, ErrorCode, Settings, Theme};

use super::fields::SETTINGS;
use super::keychain::SecretMap;
use super::*;
use crate::Paths;

const fn field(name: &'static str, kind: FieldKind, required: bool) -> Field {
    Field {
        name,
        kind,
        required,
        label: [name, name],
        help: ["Help.", "说明。"],
    }
}

const DRONE: &[Field] = &[field("token", FieldKind::Secret, true)];
const RANCHER: &[Field] = &[
    field("access_key", FieldKind::Text, true),
    field("secret_key", FieldKind::Secret, true),
    field("environments", FieldKind::List, false),
];

pub(super) fn kinds() -> Vec<SourceKind> {
    let make =
        |_: &kopi_feed::ConnectionSettings| Err(kopi_feed::FeedError::new(ErrorCode::Internal, "make", "a test"));
    let kind = |word, fields| SourceKind {
        word,
        label: ["Drone", "Drone"],
        icon: "",
        fields,
        make,
    };
    vec![kind("drone", DRONE), kind("rancher", RANCHER)]
}

fn understood(text: &str) -> Reading {
    read(
        text,
        Path::new("/etc/kopi/kopi.toml"),
        Some(Path::new("/home/bo")),
        &kinds(),
    )
}

#[derive(Default)]
pub(super) struct Chain(pub(super) Mutex<SecretMap>);

impl Keychain for Chain {
    fn load(&self) -> Result<SecretMap, ApiError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn save(&self, secrets: &SecretMap) -> Result<(), ApiError> {
        *self.0.lock().unwrap() = secrets.clone();
        Ok(())
    }
}

pub(super) fn environment(
    variables: &[(&'static str, &'static str)],
    keychain: Arc<dyn Keychain>,
    home: &Path,
) -> Environment {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    Environment {
        look: Arc::new(move |name| variables.get(name).map(|value| (*value).to_owned())),
        home: Some(home.to_owned()),
        keychain,
    }
}

const GOOD: &str = r#"# Our servers.
theme = "dark"        # easier on the eyes
keep_days = 30

[[connection]]
name = "drone"
kind = "drone"
url = "https://drone.company.com/ci"
token = { env = "DRONE_TOKEN" }

[[connection]]
name = "rancher"
kind = "rancher"
url = "http://rancher.company.com:8080"
access_key = "AK"
secret_key = { file = "~/rancher.key" }
environments = ["Production", "Staging"]
read_only = true
production = ["1a5"]
ca_file = "ca.pem"

[[line]]
repo = "ihealth/web"
branch = "master"
service = "web/api"
"#;

#[test]
fn a_good_file_is_understood() {
    let reading = understood(GOOD);
    assert_eq!(reading.findings, []);
    let config = reading.config.unwrap();
    assert_eq!((config.settings.theme, config.settings.keep_days), (Theme::Dark, 30));
    assert_eq!(config.settings.keep_megabytes, Settings::default().keep_megabytes);
    let [drone, rancher] = config.connections.as_slice() else {
        panic!("{:?}", config.connections)
    };
    assert_eq!(drone.url.as_str(), "https://drone.company.com/ci");
    assert!(matches!(&drone.secrets["token"], SecretPlace::Env(name) if name == "DRONE_TOKEN"));
    assert!(
        matches!(&rancher.secrets["secret_key"], SecretPlace::File(path) if path == Path::new("/home/bo/rancher.key"))
    );
    assert_eq!(rancher.fields["environments"], "Production,Staging");
    assert_eq!(rancher.tls.ca_file.as_deref(), Some(Path::new("/etc/kopi/ca.pem")));
    assert!(rancher.read_only && rancher.enabled && rancher.production == ["1a5"] && rancher.line == 11);
    assert_eq!(config.lines[0].service, "web/api");
}

#[test]
fn every_mistake_has_its_place_what_was_expected_and_the_nearest_name() {
    let connection = "[[connection]]\nname = \"drone\"\nkind = \"drone\"\nurl = \"https://d.com\"\n";
    let cases: &[(String, (u32, u32), &str, &str)] = &[
        (
            "them = \"dark\"".into(),
            (1, 1),
            "\"them\" is not known",
            "did you mean theme?",
        ),
        ("theme = \"drak\"".into(), (1, 9), "\"drak\"", "did you mean dark?"),
        ("theme = 3".into(), (1, 9), "theme is", "one of system, light, dark"),
        (
            "keep_days = 0".into(),
            (1, 13),
            "keep_days is",
            "a number from 1 to 3650",
        ),
        (
            "notices = [\"borken\"]".into(),
            (1, 11),
            "\"borken\"",
            "did you mean broken?",
        ),
        ("quiet_hours = \"22-8\"".into(), (1, 15), "quiet_hours", "22:00-08:00"),
        ("me = [1]".into(), (1, 6), "me is", "a list of texts"),
        ("me = [\"bo\"\ntheme = \"dark\"".into(), (2, 1), "", ""),
        (
            format!("{connection}tokn = {{ env = \"X\" }}"),
            (5, 1),
            "\"tokn\"",
            "did you mean token?",
        ),
        (
            format!("{connection}token = \"abcdef\""),
            (5, 9),
            "token stands in the clear",
            "{ env = \"…\" }",
        ),
        (
            format!("{connection}token = {{ envv = \"X\" }}"),
            (5, 11),
            "\"envv\"",
            "did you mean env?",
        ),
        (
            format!("{connection}token = {{ env = \"X\", file = \"y\" }}"),
            (5, 9),
            "exactly one of",
            "",
        ),
        (
            format!("{connection}token = {{ command = \"pass drone\" }}"),
            (5, 21),
            "command is",
            "program and arguments",
        ),
        (
            format!("{connection}read_only = \"yes\""),
            (5, 13),
            "read_only is",
            "true or false",
        ),
        (
            format!("{connection}{connection}"),
            (6, 8),
            "two connections called drone",
            "its own name",
        ),
        (
            connection.replace("kind = \"drone\"", "kind = \"dron\""),
            (3, 8),
            "\"dron\"",
            "did you mean drone?",
        ),
        (
            connection.replace("name = \"drone\"\n", ""),
            (1, 1),
            "a connection needs name",
            "",
        ),
        (
            connection.replace("\"drone\"\nkind", "\"My Drone\"\nkind"),
            (2, 8),
            "\"My Drone\" is no name",
            "a-z",
        ),
        (
            connection.replace("https://d.com", "d.com"),
            (4, 7),
            "\"d.com\" is no address",
            "http://",
        ),
        (
            connection.replace("https://d.com", "https://me:pw@d.com"),
            (4, 7),
            "holds a user or a password",
            "take it out",
        ),
        (
            connection.replace("[[connection]]", "[connection]"),
            (1, 2),
            "connection is a list",
            "[[connection]]",
        ),
        ("中 = 1".into(), (1, 1), "", ""),
        (
            "[[line]]\nrepo = \"web\"\nbranch = \"m\"\nservice = \"a/b\"".into(),
            (2, 8),
            "repo is",
            "owner/name",
        ),
    ];
    for (text, place, message, hint) in cases {
        let reading = understood(text);
        assert!(reading.config.is_none(), "{text}");
        let first = reading.findings.iter().find(|finding| finding.is_error).unwrap();
        assert_eq!((first.line, first.column), *place, "{text}: {first:?}");
        assert!(first.error.message.contains(message), "{text}: {first:?}");
        assert!(
            first.error.hint.as_deref().unwrap_or_default().contains(hint),
            "{text}: {first:?}"
        );
        assert!(
            !format!("{:?}", reading.findings).contains("abcdef") && !format!("{:?}", reading.findings).contains("pw@")
        );
    }
}

#[test]
fn words_of_the_file_and_of_the_settings_are_the_same() {
    let serde_json::Value::Object(settings) = serde_json::to_value(Settings::default()).unwrap() else {
        panic!()
    };
    let mut fields: Vec<&str> = settings
        .keys()
        .map(String::as_str)
        .filter(|name| *name != "connections")
        .collect();
    let mut known: Vec<&str> = SETTINGS.iter().map(|known| known.name).collect();
    fields.sort_unstable();
    known.sort_unstable();
    assert_eq!(known, fields);
    assert_eq!(understood("").config.unwrap().settings, Settings::default());
}

#[test]
fn the_commented_file_says_nothing_and_with_its_comments_taken_off_is_valid() {
    let text = default_commented(&kinds());
    assert_eq!(understood(&text).findings, []);
    let uncommented: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| {
            line.starts_with("[[")
                || line
                    .split_once(" = ")
                    .is_some_and(|(name, _)| !name.contains([' ', '`', '。']))
        })
        .flat_map(|line| [line.replace('…', "x"), "\n".to_owned()])
        .collect();
    let reading = understood(&uncommented);
    assert!(reading.config.is_some(), "{uncommented}\n{:#?}", reading.findings);
}

#[test]
fn the_published_schema_is_the_one_the_program_makes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("kopi.schema.json");
    let made = schema(&kopi_sources::all());
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    if published != made {
        std::fs::write(&path, &made).unwrap();
        panic!(
            "{} was stale; it is written anew: look at it and commit it",
            path.display()
        );
    }
}

#[test]
fn edits_keep_every_comment() {
    let wanted = Settings {
        theme: Theme::Light,
        me: vec!["bo".into()],
        ..understood(GOOD).config.unwrap().settings
    };
    let text = edit::set_settings(GOOD, &understood(GOOD).config.unwrap().settings, &wanted).unwrap();
    assert!(
        text.contains("# Our servers.\ntheme = \"light\"        # easier on the eyes\n"),
        "{text}"
    );
    assert!(text.contains("me = [\"bo\"]") && !text.contains("density"), "{text}");
    assert_eq!(understood(&text).config.unwrap().settings, wanted);

    let gone = edit::remove_connection(&text, &"drone".into()).unwrap();
    let config = understood(&gone).config.unwrap();
    assert_eq!(config.connections.len(), 1);
    assert!(gone.contains("# easier on the eyes"));
    assert!(edit::remove_connection(&gone, &"drone".into()).is_err());

    let commented = default_commented(&kinds());
    let addition = edit::Addition {
        name: "drone".into(),
        kind: "drone".into(),
        url: "https://d.com".into(),
        fields: Vec::new(),
        secrets: vec![("token".into(), SecretPlace::Keychain)],
        read_only: true,
    };
    let added = edit::add_connection(&commented, &addition).unwrap();
    assert!(added.starts_with(&commented), "{added}");
    assert!(understood(&added).config.unwrap().connections[0].read_only);
}

#[cfg(unix)]
#[test]
fn secrets_are_found_where_the_file_says_and_words_say_why_not() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "  from-file\n").unwrap();
    let look = |name: &str| (name == "SET").then(|| "from-env ".to_owned());
    let command = |words: &[&str]| SecretPlace::Command(words.iter().map(|word| (*word).to_owned()).collect());
    let taken = |place: &SecretPlace| place.take(&look).map(|secret| secret.unwrap().expose().to_owned());
    assert_eq!(taken(&SecretPlace::Env("SET".into())).unwrap(), "from-env");
    assert_eq!(
        taken(&SecretPlace::File(folder.path().join("key"))).unwrap(),
        "from-file"
    );
    assert_eq!(taken(&command(&["printf", "from-command\\n"])).unwrap(), "from-command");
    for (place, why) in [
        (SecretPlace::Env("UNSET".into()), "the variable UNSET is not set"),
        (SecretPlace::File(folder.path().join("none")), "read the secret from"),
        (command(&["/no/such/program"]), "run /no/such/program"),
        (command(&["sh", "-c", "echo half-secret; exit 3"]), "sh failed"),
        (command(&["true"]), "true printed nothing"),
        (command(&["printf", "\\377"]), "printf printed what is no text"),
    ] {
        let error = taken(&place).unwrap_err();
        assert_eq!(error.code, ErrorCode::Secret);
        assert!(error.message.contains(why), "{error:?}");
        assert!(!format!("{error:?}").contains("half-secret"));
    }
}

#[test]
fn a_broken_file_keeps_the_last_good_one_running_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::in_home(folder.path());
    std::fs::write(&paths.config, GOOD).unwrap();
    std::fs::write(folder.path().join("rancher.key"), "sk").unwrap();
    let environment = environment(&[("DRONE_TOKEN", "tk")], Arc::new(Chain::default()), folder.path());
    let mut kept = KeptConfig::load_in(&paths, kinds(), environment);
    let settings = kept.settings();
    assert_eq!(settings.connections[0].source.secrets["token"].expose(), "tk");
    assert_eq!(settings.connections[1].source.secrets["secret_key"].expose(), "sk");
    assert_eq!(settings.connections[1].warnings, ["insecure_http"]);
    assert_eq!(
        settings.settings.connections[0].secrets,
        [("token".to_owned(), "env DRONE_TOKEN".to_owned())]
    );
    assert!(!kept.is_stale());

    std::fs::write(&paths.config, GOOD.replace("\"drone\"\nurl", "\"drome\"\nurl")).unwrap();
    kept.reload();
    let broken = kept.settings();
    assert_eq!(broken.connections.len(), 2);
    let error = broken.config_error.unwrap();
    assert!(
        error
            .message
            .ends_with("kopi.toml:7:8: the kind \"drome\" is not known"),
        "{error:?}"
    );
    std::fs::write(&paths.config, "theme = \"light\"\n").unwrap();
    assert!(kept.is_stale());
    kept.reload();
    assert_eq!(
        (kept.settings().connections.len(), kept.settings().config_error),
        (0, None)
    );
}

#[test]
fn a_plain_secret_is_taken_with_a_warning_and_a_missing_one_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::in_home(folder.path());
    let text = "[[connection]]\nname = \"a\"\nkind = \"drone\"\nurl = \"https://d.com\"\ntoken = { plain = \"p\" }\n\
                [[connection]]\nname = \"b\"\nkind = \"drone\"\nurl = \"https://d.com\"\n\
                [[connection]]\nname = \"c\"\nkind = \"drone\"\nurl = \"https://d.com\"\nenabled = false\n";
    std::fs::write(&paths.config, text).unwrap();
    let chain = Arc::new(Chain::default());
    let mut kept = KeptConfig::load_in(&paths, kinds(), environment(&[], chain.clone(), folder.path()));
    let settings = kept.settings();
    assert_eq!(settings.connections[0].warnings, ["plain_secret"]);
    assert_eq!(settings.settings.connections[0].secrets[0].1, "plain");
    assert_eq!(
        settings.connections[1].broken.as_ref().unwrap().message,
        "the keychain holds no token for b"
    );
    assert_eq!(settings.connections[2].broken, None, "what is off needs nothing");
    assert!(
        kept.check()
            .iter()
            .any(|finding| !finding.is_error && finding.line == 5)
    );
    assert!(kept.check().iter().any(|finding| finding.is_error && finding.line == 6));
    chain.0.lock().unwrap().insert("b/token".into(), Secret::new("k"));
    assert!(kept.misses_secrets());
    kept.take_secrets();
    assert_eq!(kept.settings().connections[1].source.secrets["token"].expose(), "k");
}
