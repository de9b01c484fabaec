//! The daily work on a configured office: a build goes red, its log is opened, a service is redeployed and seen to finish.

use kopi_office::run::Wanted;
use kopi_office::{Office, OfficeOptions};

use crate::desk::Desk;

async fn office(desk: &Desk, speed: f64) -> Office {
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
