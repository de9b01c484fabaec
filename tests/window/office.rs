//! The daily work on a configured office: a build goes red, its log is opened, a service is redeployed and seen to finish.

use kopi_office::run::Wanted;
use kopi_office::{Office, OfficeOptions};

use kopi_core::socket::attach;
use kopi_model::wire::{Answer, Query};

use crate::desk::{Desk, PATIENCE};

pub(crate) async fn office(desk: &Desk, speed: f64) -> Office {
    let mut options = OfficeOptions::new(jiff::Timestamp::now());
    options.speed = speed;
    let mut office = Office::start(options).await.unwrap();
    office.write_config(&desk.home.path().join("kopi.toml")).unwrap();
    office
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_goes_red_and_its_log_is_read() {
    let desk = Desk::set_up("red", "en_GB.UTF-8").await;
    let office = office(&desk, 60.0).await;
    let window = desk.open(&[]).await;
    window.find("[data-testid=board] [role=row][data-item]").await;
    let pushed = office
        .handle()
        .push(Wanted {
            repo: "web".into(),
            branch: "develop".into(),
            author: "sunyue".into(),
            message: "fix: rounding".into(),
            fails: Some("unit".into()),
            ..Wanted::default()
        })
        .await
        .unwrap();
    let number = pushed.number.expect("the push made no build");
    let build = format!("build:drone/{}#{number}", pushed.repo);
    window
        .go(&format!("#/builds/{}", build.replace('/', "%2F").replace('#', "%23")))
        .await;
    window
        .find(&format!(
            "[data-testid=build-head][data-item='{build}'][data-status=failed]"
        ))
        .await;
    window.find("[data-testid=what-broke]").await;
    desk.picture("build");
    desk.leave(window).await;
    office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_redeployed_and_seen_to_finish() {
    let desk = Desk::set_up("redeploy", "en_GB.UTF-8").await;
    let office = office(&desk, 30.0).await;
    let window = desk.open(&[]).await;
    window.find("[data-testid=board] [role=row][data-item]").await;
    window.go("#/environments").await;
    window.find("[data-item^='service:rancher/']").await;
    let in_dev = "const tab = [...document.querySelectorAll('.env-tab')].find((one) => one.innerText.startsWith('dev')); tab?.click(); \
        const row = [...document.querySelectorAll('[data-item^=\"service:\"]')].find((one) => one.innerText.includes('gateway')); \
        row?.click(); return document.querySelector('[data-testid=service-pane]')?.innerText.includes('gateway') === true";
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while window.ask(in_dev).await != true {
        assert!(tokio::time::Instant::now() < deadline, "no gateway in dev");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    window.find("body").await.send_keys("d").await.unwrap();
    window.find("[data-testid=undo-bar]").await;
    desk.picture("held");
    let (client, _frames) = attach(&desk.paths(), "cli").await.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE * 2;
    let entry = loop {
        let answer = client.query(Query::Journal { before: None, limit: 5 }).await.unwrap();
        let Answer::Journal(entries) = answer else {
            panic!("{answer:?}")
        };
        if let Some(entry) = entries.into_iter().find(|entry| entry.ended_at.is_some()) {
            break entry;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "it never ended: {}",
            desk.words()
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    assert_eq!(
        (entry.result.as_str(), entry.target_name.as_str()),
        ("done", "core/gateway")
    );
    assert_eq!(entry.via, "window");
    window
        .find(&format!(
            "[data-item='{}'][data-status=ok][data-phase=none]",
            entry.target
        ))
        .await;
    desk.picture("finished");
    desk.leave(window).await;
    office.stop().await;
}
