//! The tray: there when the panel is, and when it comes later; its menu read and clicked over D-Bus.

use kopi_model::wire::{Answer, Query};

use super::agent::{Agent, connect, eventually};
use super::panel::Panel;
use crate::bus::Bus;

#[tokio::test]
async fn with_nothing_watched_it_says_so_and_is_not_well() {
    let bus = Bus::start();
    let mut panel = Panel::open(connect(&bus).await).await;
    let agent = Agent::start(&bus, "");
    let icon = panel.icon().await;
    assert_eq!(icon.property::<String>("Id").await, "kopi");
    let offline = png_pixels(include_bytes!("../../../icons/tray/offline-22.png"));
    assert_eq!(icon.pixels(22).await, offline, "the icon is not the one for offline");
    let menu = icon.menu().await;
    assert_eq!(menu[0].label, "Nothing is watched yet");
    assert!(!menu[0].enabled, "a fact cannot be clicked");
    let labels: Vec<_> = menu.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(labels[labels.len() - 2..], ["Open Kopi", "Quit"]);
    drop(agent);
}

#[tokio::test]
async fn in_chinese_for_a_chinese_desktop() {
    let bus = Bus::start();
    let mut panel = Panel::open(connect(&bus).await).await;
    let _agent = Agent::start_in(&bus, "", "zh_CN.UTF-8");
    let menu = panel.icon().await.menu().await;
    assert_eq!(menu[0].label, "还没有关注任何东西");
    assert_eq!(menu.last().unwrap().label, "退出");
}

#[tokio::test]
async fn a_panel_that_comes_later_gets_the_icon_and_the_window_is_told() {
    let bus = Bus::start();
    let agent = Agent::start(&bus, "");
    let (client, _frames) = agent.attach().await;
    let tray = async || match client.query(Query::About).await.unwrap() {
        Answer::About(about) => about.tray,
        other => panic!("{other:?}"),
    };
    eventually(async || (tray().await == Some(false)).then_some(()))
        .await
        .expect("nobody says that there is no tray host");
    let mut panel = Panel::open(connect(&bus).await).await;
    assert_eq!(panel.icon().await.property::<String>("Title").await, "Kopi");
    eventually(async || (tray().await == Some(true)).then_some(()))
        .await
        .expect("nobody says that a tray host came");
}

#[tokio::test]
async fn a_left_click_opens_the_window_and_quit_ends_everything() {
    let bus = Bus::start();
    let mut panel = Panel::open(connect(&bus).await).await;
    let mut agent = Agent::start(&bus, "");
    let (client, _frames) = agent.attach().await;
    let icon = panel.icon().await;
    icon.activate().await;
    assert_eq!(agent.window().await, "window \n");
    let quit = icon.entry("Quit").await;
    icon.click(&quit).await;
    assert!(agent.end().await.success(), "{}", agent.log());
    assert!(client.gone().is_cancelled() || client.heartbeat().await.is_err());
    assert!(!agent.home.path().join("core.sock").exists() || client.heartbeat().await.is_err());
}

#[tokio::test]
async fn focus_is_one_click_and_shows() {
    let bus = Bus::start();
    let mut panel = Panel::open(connect(&bus).await).await;
    let agent = Agent::start(&bus, "");
    let icon = panel.icon().await;
    let focus = icon.entry("Focus for 1 hour").await;
    icon.click(&focus).await;
    let end = icon.entry("Focus until").await;
    let pictured = png_pixels(include_bytes!("../../../icons/tray/focus-22.png"));
    eventually(async || (icon.pixels(22).await == pictured).then_some(()))
        .await
        .unwrap_or_else(|| panic!("no moon in the bean: {}", agent.log()));
    icon.click(&end).await;
    icon.entry("Focus for 1 hour").await;
}

/// RGBA of a PNG as ARGB.
fn png_pixels(file: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    for pixel in pixels.chunks_exact_mut(4) {
        pixel.rotate_right(1);
    }
    pixels
}
