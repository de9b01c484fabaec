//! The views in both themes and languages, as a person sees them: to `target/window/pictures`, or where
//! `KOPI_SCREENSHOTS` says (`cargo xtask screenshots`). A theme that changes nothing and a page that is blank are told.

use std::path::PathBuf;

use crate::desk::{Desk, program};
use crate::office::office;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_view_in_both_themes_and_languages() {
    let folder = std::env::var_os("KOPI_SCREENSHOTS").map_or_else(
        || program("kopi").parent().unwrap().join("../window/pictures"),
        PathBuf::from,
    );
    let mut seen = std::collections::BTreeSet::new();
    for (language, tail) in [("en", ""), ("zh-CN", "-zh")] {
        for theme in ["light", "dark"] {
            let desk = Desk::set_up("pictures", "en_GB.UTF-8").await;
            let office = office(&desk, 10.0).await;
            let file = desk.home.path().join("kopi.toml");
            let connections = std::fs::read_to_string(&file).unwrap();
            let settings = format!("language = \"{language}\"\ntheme = \"{theme}\"\nme = [\"linhao\"]\n\n");
            std::fs::write(&file, settings + &connections).unwrap();
            // glucose-sync goes red at 0:40 of the office's day.
            let window = desk.open(&[]).await;
            window.find("[data-testid=board] [role=row][data-item]").await;
            window
                .find("[data-item='build:drone/ihealth/glucose-sync#218'], [data-station=build]")
                .await;
            assert_eq!(window.ask("return document.documentElement.lang").await, language);
            assert_eq!(window.ask("return document.documentElement.dataset.theme").await, theme);
            let mut take = |view: &str| {
                let path = desk.picture_in(&folder, &format!("{view}{tail}-{theme}"));
                assert!(
                    seen.insert(std::fs::read(path).unwrap()),
                    "{view} looks as another picture"
                );
            };
            // The story's first red build: once it is told, all views show the same moment.
            let red = "#/builds/build:drone%2Fihealth%2Fglucose-sync%23218";
            window.go(red).await;
            window.find("[data-testid=what-broke]").await;
            window.go("#/builds").await;
            window.find("[data-item^='build:']").await;
            take("builds");
            window.go("#/environments").await;
            window.find("[data-item^='service:rancher/']").await;
            take("environments");
            window.go("#/board").await;
            window.find("[data-testid=board] [role=row][data-item]").await;
            take("board");
            window.go(red).await;
            window.find("[data-testid=build-head][data-status=failed]").await;
            window.find("[data-testid=what-broke]").await;
            take("build");
            desk.leave(window).await;
            office.stop().await;
        }
    }
}
