//! macOS, Windows: carries the tray's model to the status bar by Tauri.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kopi_notify::Wish;
use kopi_notify::tray::{Entry, TrayIcon as State, TrayModel};
use tauri::image::Image;
use tauri::menu::{Menu, MenuBuilder, MenuItemBuilder, SubmenuBuilder};
use tauri::tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Wry};
use tokio::sync::{mpsc, watch};

type Wishes = Arc<Mutex<HashMap<String, Wish>>>;

/// Shows the models until the core ends; clicks go to `clicks`.
///
/// # Errors
/// When the system has no status bar.
pub fn start(app: &AppHandle, mut models: watch::Receiver<TrayModel>, clicks: mpsc::Sender<Wish>) -> tauri::Result<()> {
    let wishes = Wishes::default();
    let first = models.borrow_and_update().clone();
    let (known, on_menu, on_icon) = (wishes.clone(), clicks.clone(), clicks);
    let tray = TrayIconBuilder::with_id("kopi")
        .icon(picture(&first)?)
        .icon_as_template(!first.badge)
        .tooltip(&first.tooltip)
        .menu(&menu(app, &first, &wishes)?)
        .show_menu_on_left_click(false)
        .on_menu_event(move |_, event| {
            let wish = known
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(event.id().as_ref())
                .cloned();
            if let Some(wish) = wish {
                on_menu.try_send(wish).ok();
            }
        })
        .on_tray_icon_event(move |_, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                on_icon.try_send(Wish::Show { item: None, log: false }).ok();
            }
        })
        .build(app)?;
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        while models.changed().await.is_ok() {
            let model = models.borrow_and_update().clone();
            let (tray, wishes, handle) = (tray.clone(), wishes.clone(), app.clone());
            let shown = app.run_on_main_thread(move || {
                let show = || -> tauri::Result<()> {
                    tray.set_icon(Some(picture(&model)?))?;
                    tray.set_icon_as_template(!model.badge)?;
                    tray.set_tooltip(Some(&model.tooltip))?;
                    tray.set_menu(Some(menu(&handle, &model, &wishes)?))
                };
                if let Err(error) = show() {
                    tracing::warn!(%error, "the tray was not drawn");
                }
            });
            if shown.is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn menu(app: &AppHandle, model: &TrayModel, wishes: &Wishes) -> tauri::Result<Menu<Wry>> {
    let mut known = HashMap::new();
    let mut builder = MenuBuilder::new(app);
    for entry in &model.menu {
        builder = match entry {
            Entry::Separator => builder.separator(),
            Entry::Fact { text, .. } => builder.item(&MenuItemBuilder::new(text).enabled(false).build(app)?),
            Entry::Click { text, end, wish, .. } => builder.item(&click(app, text, end.as_deref(), wish, &mut known)?),
            Entry::More { text, entries } => {
                let mut more = SubmenuBuilder::new(app, text);
                for entry in entries {
                    if let Entry::Click { text, end, wish, .. } = entry {
                        more = more.item(&click(app, text, end.as_deref(), wish, &mut known)?);
                    }
                }
                builder.item(&more.build()?)
            }
        };
    }
    *wishes.lock().unwrap_or_else(PoisonError::into_inner) = known;
    builder.build()
}

fn click(
    app: &AppHandle,
    text: &str,
    end: Option<&str>,
    wish: &Wish,
    known: &mut HashMap<String, Wish>,
) -> tauri::Result<tauri::menu::MenuItem<Wry>> {
    let id = format!("wish-{}", known.len());
    known.insert(id.clone(), wish.clone());
    let label = match end {
        Some(end) => format!("{text} · {end}"),
        None => text.to_owned(),
    };
    MenuItemBuilder::with_id(id, label).build(app)
}

/// A template on macOS, which colours it itself; with a badge, or on Windows, the drawn one.
fn picture(model: &TrayModel) -> tauri::Result<Image<'static>> {
    macro_rules! pictures {
        ($($state:ident => $name:literal),*) => {
            match (model.icon, model.badge || cfg!(windows)) {
                $(
                    (State::$state, false) => Image::from_bytes(include_bytes!(concat!("../../icons/tray/", $name, "-template-44.png"))),
                    (State::$state, true) => Image::from_bytes(include_bytes!(concat!("../../icons/tray/", $name, "-badge-32.png"))),
                )*
            }
        };
    }
    pictures!(
        NeedsYou => "needs-you", Acknowledged => "acknowledged", Working => "working", Well => "well",
        Offline => "offline", Focus => "focus"
    )
}
