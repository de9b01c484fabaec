//! The first start, the demo, the languages, and what closing leaves behind.

use kopi_core::socket::attach;
use kopi_model::wire::{Act, Answer, Frame, Query};

use crate::desk::{Desk, PATIENCE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_is_one_click_from_the_demo() {
    let desk = Desk::set_up("newcomer", "en_GB.UTF-8").await;
    let window = desk.open(&[]).await;
    window.find("[data-testid=first-run]").await;
    desk.picture("first-run");
    window.click("[data-testid=open-demo]").await;
    window.find("[data-testid=board] [role=row][data-item]").await;
    window.find("[data-testid=demo-line]").await;
    assert!(window.count("[data-testid=board] [role=row][data-item]").await >= 10);
    assert_eq!(window.ask("return document.documentElement.lang").await, "en");
    desk.picture("board");
    desk.leave(window).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chinese_desktop_reads_chinese() {
    let desk = Desk::set_up("chinese", "zh_CN.UTF-8").await;
    // Said in the configuration too: a machine without that locale gives the web view none.
    std::fs::write(desk.paths().config, "language = \"zh-CN\"\n").unwrap();
    let window = desk.open(&["--demo"]).await;
    window.find("[data-testid=board] [role=row][data-item]").await;
    assert_eq!(window.ask("return document.documentElement.lang").await, "zh-CN");
    window.reads("[data-testid=demo-line]", "演示").await;
    desk.picture("board");
    desk.leave(window).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_the_window_leaves_the_core_and_a_dead_core_comes_back() {
    let desk = Desk::set_up("closing", "en_GB.UTF-8").await;
    let window = desk.open(&[]).await;
    window.find("[data-testid=first-run]").await;
    window.close().await;
    let (client, _frames) = attach(&desk.paths(), "cli")
        .await
        .expect("closing the window ended the core");
    let first = client.hello().core.clone();
    let window = desk.open(&[]).await;
    window.find("[data-testid=first-run]").await;
    let process = std::fs::read_to_string(desk.paths().lock()).unwrap();
    let killed = std::process::Command::new("kill")
        .args(["-9", process.trim()])
        .status()
        .unwrap();
    assert!(killed.success());
    // The window starts another one and goes on.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let second = loop {
        if let Ok((client, _frames)) = attach(&desk.paths(), "cli").await {
            break client.hello().core.clone();
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "nobody started a core: {}",
            desk.words()
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_ne!(first, second);
    window.click("[data-testid=open-demo]").await;
    window.find("[data-testid=board] [role=row][data-item]").await;
    desk.leave(window).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_raises_the_first_on_its_link() {
    let desk = Desk::set_up("second", "en_GB.UTF-8").await;
    let window = desk.open(&["--demo"]).await;
    window.find("[data-testid=board] [role=row][data-item]").await;
    let (client, mut frames) = attach(&desk.paths(), "cli").await.unwrap();
    client.subscribe().await.unwrap();
    let build = loop {
        if let Some(Frame::Snapshot(snapshot)) = frames.next().await {
            let build = snapshot
                .items
                .iter()
                .find(|item| item.kind() == kopi_model::ItemKind::Build);
            break build.unwrap().id().clone();
        }
    };
    let link = format!("kopi://item/{}", build.as_str().replace('#', "%23"));
    let second = desk
        .command(&crate::desk::program("kopi-desktop"))
        .arg(link)
        .status()
        .unwrap();
    assert!(second.success(), "{}", desk.words());
    window
        .find(&format!("[data-testid=build-head][data-item='{build}']"))
        .await;
    // Quit ends the window too.
    client.act(Act::Quit).await.ok();
    tokio::time::timeout(PATIENCE, async {
        while desk.paths().runtime.join("window.lock").exists() && window_lives(&desk) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("the window outlives quit");
}

fn window_lives(desk: &Desk) -> bool {
    std::fs::File::open(desk.paths().runtime.join("window.lock")).is_ok_and(|file| file.try_lock_shared().is_err())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_says_when_no_tray_shows_the_icon() {
    let desk = Desk::set_up("no-tray", "en_GB.UTF-8").await;
    let window = desk.open(&["--demo"]).await;
    window.find("[data-testid=board] [role=row][data-item]").await;
    let (client, _frames) = attach(&desk.paths(), "cli").await.unwrap();
    match client.query(Query::About).await.unwrap() {
        Answer::About(about) => assert_eq!(about.tray, Some(false)),
        other => panic!("{other:?}"),
    }
    desk.leave(window).await;
}
