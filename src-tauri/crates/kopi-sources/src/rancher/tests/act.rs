//! Orders against the fake: what is sent, what is refused, and in which words.

use std::time::Duration;

use kopi_feed::Read;
use kopi_feed::{LogOutbox, ReadAnswer, Sent};
use kopi_model::item::{UpgradeFacts, UpgradePhase};
use kopi_model::wire::{ErrorCode, LogAsk};
use kopi_model::{Item, Order, Verb};
use serde_json::json;
use tokio::sync::mpsc;

use super::bench::{ACCESS, Company, Picture, READER, context};

async fn give(company: &Company, access: &str, order: Order) -> Result<kopi_model::Receipt, kopi_feed::FeedError> {
    company.source(access).act(context().0, order).await
}

#[tokio::test(start_paused = true)]
async fn a_redeploy_sends_everything_back_and_asks_for_a_pull() {
    let company = Company::start().await;
    let mut deeds = company.cattle.actions();
    let before = company.cattle.service(&company.web).expect("there");
    let mut order = company.order(Verb::Redeploy);
    order.based_on = Some(before.version.clone());
    order.strategy = Some(UpgradeFacts {
        batch_size: 2,
        interval_ms: 5_000,
        start_first: false,
    });
    let receipt = give(&company, ACCESS, order).await.expect("accepted");
    let after = company.cattle.service(&company.web).expect("there");
    assert_eq!(receipt.version.as_deref(), Some(after.version.as_str()));
    assert_ne!(before.version, after.version);
    assert_eq!(
        (receipt.server_state.as_deref(), after.image),
        (Some("upgrading"), before.image)
    );
    let deed = deeds.try_recv().expect("the office is told");
    assert_eq!(
        (deed.action.as_str(), deed.status, deed.who.as_str()),
        ("upgrade", 202, "dev")
    );
    let strategy = &deed.body["inServiceStrategy"];
    assert_eq!(
        (&strategy["batchSize"], &strategy["startFirst"]),
        (&json!(2), &json!(false))
    );
    let launch = &strategy["launchConfig"];
    assert_eq!(launch["labels"]["io.rancher.container.pull_image"], "always");
    assert_eq!(launch["environment"]["DB_PASSWORD"], "never-to-be-shown");
    assert_eq!(
        (&launch["stdinOpen"], &launch["privileged"]),
        (&json!(true), &json!(false)),
        "nothing is lost"
    );
    assert!(launch["healthCheck"].is_object());
    assert!(deed.user_agent.starts_with("Kopi/"));
}

#[tokio::test(start_paused = true)]
async fn sidekicks_get_their_versions_told() {
    let company = Company::start().await;
    let api = company
        .cattle
        .service_named(&company.dev, "core", "api")
        .expect("there");
    let order = Order {
        target: format!("service:rancher/{}", api.id).into(),
        tag: Some("2.1.0".into()),
        ..company.order(Verb::Upgrade)
    };
    let receipt = give(&company, ACCESS, order).await.expect("accepted");
    assert_eq!(
        receipt.sidekick_versions,
        [("nginx".to_owned(), receipt.version.clone().expect("a version"))]
    );
    let after = company.cattle.service(&api.id).expect("there");
    assert_eq!(after.image, "harbor.company.com/ihealth/api:2.1.0");
}

#[tokio::test(start_paused = true)]
async fn what_would_go_wrong_is_refused_before_it_is_sent() {
    let company = Company::start().await;
    let code = async |access: &str, order: Order| {
        company.faults.forget();
        let error = give(&company, access, order).await.expect_err("it is refused");
        let written = company.faults.seen().iter().filter(|seen| seen.method != "GET").count();
        assert_eq!((written, error.sent), (0, Sent::No), "{error:?}");
        error.code
    };
    let outdated = Order {
        based_on: Some("some other version".into()),
        ..company.order(Verb::Redeploy)
    };
    assert_eq!(code(ACCESS, outdated).await, ErrorCode::PlanOutdated);
    assert_eq!(code(READER, company.order(Verb::Redeploy)).await, ErrorCode::ReadOnly);
    assert_eq!(
        code(ACCESS, company.order(Verb::Finish)).await,
        ErrorCode::ActionNotAvailable
    );
    let mail = company
        .cattle
        .service_named(&company.dev, "core", "mail")
        .expect("there");
    let external = Order {
        target: format!("service:rancher/{}", mail.id).into(),
        ..company.order(Verb::Redeploy)
    };
    assert_eq!(code(ACCESS, external).await, ErrorCode::NotSupported);
    let bad_tag = Order {
        tag: Some("no tag".into()),
        ..company.order(Verb::Upgrade)
    };
    assert_eq!(code(ACCESS, bad_tag).await, ErrorCode::InvalidRequest);
    let interval = Duration::from_mins(10);
    company
        .cattle
        .upgrade(&company.web, "harbor.company.com/ihealth/web:2", 1, interval, true)
        .expect("accepted");
    let scale = Order {
        scale: Some(5),
        ..company.order(Verb::Scale)
    };
    assert_eq!(code(ACCESS, scale).await, ErrorCode::ActionNotAvailable);
    assert_eq!(
        code(ACCESS, company.order(Verb::Redeploy)).await,
        ErrorCode::ActionNotAvailable
    );
    let gone = Order {
        target: "service:rancher/1s999".into(),
        ..company.order(Verb::Redeploy)
    };
    assert_eq!(code(ACCESS, gone).await, ErrorCode::NoSuchItem);
}

#[tokio::test(start_paused = true)]
async fn every_verb_has_its_effect() {
    let company = Company::start().await;
    let source = company.source("MEMBER");
    let mut picture = Picture::of(&source);
    picture.until_listed().await;
    let act = async |order: Order| source.act(context().0, order).await.expect("accepted");
    let state = |picture: &Picture| picture.service(&company.web).server_state.clone();
    act(Order {
        scale: Some(3),
        ..company.order(Verb::Scale)
    })
    .await;
    picture
        .until("three copies", |picture| {
            state(picture) == "active"
                && picture
                    .containers_of(&company.web)
                    .iter()
                    .filter(|row| row.server_state == "running")
                    .count()
                    == 3
        })
        .await;
    act(company.order(Verb::Restart)).await;
    picture
        .until("it restarts", |picture| state(picture) == "restarting")
        .await;
    picture
        .until("it is up again", |picture| state(picture) == "active")
        .await;
    act(company.order(Verb::Redeploy)).await;
    picture
        .until("it is upgraded", |picture| state(picture) == "upgraded")
        .await;
    act(company.order(Verb::Rollback)).await;
    picture.until("it is back", |picture| state(picture) == "active").await;
    act(Order {
        tag: Some("1.6.0".into()),
        ..company.order(Verb::Upgrade)
    })
    .await;
    act(company.order(Verb::Cancel)).await;
    picture
        .until("it is cancelled", |picture| {
            picture.service(&company.web).phase == UpgradePhase::Cancelled
        })
        .await;
    act(company.order(Verb::Rollback)).await;
    picture.until("it is back", |picture| state(picture) == "active").await;
    act(Order {
        tag: Some("1.7.0".into()),
        ..company.order(Verb::Upgrade)
    })
    .await;
    picture
        .until("it is upgraded", |picture| state(picture) == "upgraded")
        .await;
    act(company.order(Verb::Finish)).await;
    picture
        .until("it is finished", |picture| state(picture) == "active")
        .await;
    assert_eq!(
        picture.service(&company.web).image,
        "harbor.company.com/ihealth/web:1.7.0"
    );
    act(company.order(Verb::Stop)).await;
    picture
        .until("it is stopped", |picture| state(picture) == "inactive")
        .await;
    act(company.order(Verb::Start)).await;
    picture.until("it runs", |picture| state(picture) == "active").await;
    let container = picture.containers_of(&company.web)[0].id.clone();
    act(Order {
        target: container,
        ..company.order(Verb::Restart)
    })
    .await;
    let requests = source.requests(&company.order(Verb::Finish));
    let path = format!("/v2-beta/projects/{}/services/{}", company.dev, company.web);
    assert_eq!(
        requests,
        [format!("GET {path}"), format!("POST {path}?action=finishupgrade")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_tells_its_events_and_a_container_its_log() {
    let company = Company::start().await;
    let source = company.source(ACCESS);
    company
        .cattle
        .upgrade(
            &company.web,
            "harbor.company.com/ihealth/web:2",
            1,
            Duration::from_secs(1),
            false,
        )
        .expect("accepted");
    tokio::time::sleep(Duration::from_mins(1)).await;
    let web = format!("service:rancher/{}", company.web);
    let answer = source
        .read(context().0, Read::ServiceEvents(web.as_str().into()))
        .await
        .expect("it answers");
    let ReadAnswer::ServiceEvents(events) = answer else {
        panic!("{answer:?}")
    };
    assert!(
        events
            .iter()
            .any(|event| event.kind == "service.upgrade" && event.ended_at.is_some()),
        "{events:#?}"
    );
    let answer = source
        .read(context().0, Read::Item(web.as_str().into()))
        .await
        .expect("it answers");
    assert!(
        matches!(answer, ReadAnswer::Item(item) if matches!(&*item, Item::Service(row) if row.stack_name == "core"))
    );

    let container = company
        .cattle
        .containers_of(&company.web)
        .into_iter()
        .find(|row| row.good)
        .expect("one runs");
    company.cattle.write_log(&container.id, false, "listening on 8080");
    company.cattle.write_log(&container.id, true, "cache disabled");
    let ask = LogAsk {
        item: format!("container:rancher/{}", container.id).into(),
        step: None,
        follow: true,
    };
    let (sender, mut lines) = mpsc::channel(16);
    let log = tokio::spawn(async move { source.log(context().0, ask, LogOutbox::new(sender)).await });
    let mut found = Vec::new();
    while found.len() < 2 {
        let chunk = lines.recv().await.expect("lines");
        found.extend(chunk.lines.into_iter().map(|line| line.text));
    }
    assert_eq!(found, ["listening on 8080", "cache disabled"]);
    drop(lines);
    company.cattle.write_log(&container.id, false, "nobody reads this");
    log.await.expect("no panic").expect("it ends well when nobody reads");
}

#[tokio::test(start_paused = true)]
async fn the_probe_says_who_one_is_and_what_one_may() {
    let company = Company::start().await;
    let report = company.source("MEMBER").probe(context().0).await;
    assert_eq!(
        (report.ok, report.user.as_deref()),
        (true, Some("Mona Member")),
        "{report:?}"
    );
    assert_eq!(
        (report.dialect.as_deref(), report.server_version.as_deref()),
        (Some("1.6"), Some("v1.6.30"))
    );
    assert_eq!(report.may, ["read", "act"]);
    let names: Vec<&str> = report.choices.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["dev", "production"]);
    assert_eq!(company.source(READER).probe(context().0).await.may, ["read"]);
    let report = company.source("NOBODY").probe(context().0).await;
    assert_eq!(report.error.map(|error| error.code), Some(ErrorCode::Unauthorized));
    let mut settings = company.settings_for("MEMBER");
    settings.fields.insert("environments".into(), "dev, stagging".into());
    let report = (crate::rancher::kind().make)(&settings)
        .expect("usable")
        .probe(context().0)
        .await;
    let error = report.error.expect("a typo is named");
    assert!(error.message.contains("stagging") && error.hint.is_some_and(|hint| hint.contains("production")));
}

#[tokio::test(start_paused = true)]
async fn rancher_2_is_recognised_and_not_spoken() {
    kopi_feed::install_provider();
    let refused = (
        http::StatusCode::UNAUTHORIZED,
        axum::Json(json!({"type": "error", "status": "401", "message": "must authenticate"})),
    );
    let router = axum::Router::new()
        .route(
            "/rancherversion",
            axum::routing::get(|| async {
                axum::Json(json!({"Version": "v2.9.9", "GitCommit": "x", "RancherPrime": "false"}))
            }),
        )
        .fallback(move || {
            let refused = refused.clone();
            async move { refused }
        });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let company = Company::start().await;
    let mut settings = company.settings_for(ACCESS);
    settings.url = format!("http://{}", listener.local_addr().expect("bound"))
        .parse()
        .expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let source = (crate::rancher::kind().make)(&settings).expect("usable");
    let report = source.probe(context().0).await;
    let error = report.error.expect("it is refused");
    assert_eq!(error.code, ErrorCode::NotSupported);
    assert!(error.message.contains("Rancher 2"), "{}", error.message);
}
