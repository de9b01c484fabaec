//! Carries a [`TrayModel`] to the desktop by StatusNotifierItem (pure D-Bus, `ksni`).
//!
//! No tray host on the bus is not an error: it goes on, registers when one comes, and says which of both it is. Without
//! a bus at all there is no tray, which is said once.

use std::sync::Arc;

use kopi_notify::Wish;
use kopi_notify::tray::{Entry, TrayIcon, TrayModel};
use ksni::menu::{MenuItem, StandardItem, SubMenu};
use ksni::{Handle, OfflineReason, Status, ToolTip, TrayMethods};
use tokio::sync::{mpsc, watch};

use super::pictures::{Pictures, mark};

/// A tray that runs for as long as this is held.
pub struct Tray {
    handle: Option<Handle<Item>>,
    shown: TrayModel,
    online: watch::Receiver<Option<bool>>,
}

impl Tray {
    /// Starts it with a first model; clicks go to `wishes`.
    pub async fn start(model: TrayModel, wishes: mpsc::Sender<Wish>) -> Self {
        let (say_online, online) = watch::channel(Some(true));
        let item = Item {
            model: model.clone(),
            pictures: Arc::new(Pictures::load()),
            wishes,
            online: say_online.clone(),
        };
        let handle = match item.assume_sni_available(true).spawn().await {
            Ok(handle) => Some(handle),
            Err(error) => {
                tracing::warn!(%error, "there is no tray: Kopi goes on without, everything is in the window");
                say_online.send_replace(Some(false));
                None
            }
        };
        Self {
            handle,
            shown: model,
            online,
        }
    }

    /// There is a tray host that shows the icon.
    pub fn online(&self) -> watch::Receiver<Option<bool>> {
        self.online.clone()
    }

    /// Shows another model; nothing leaves when it is the same.
    pub async fn show(&mut self, model: TrayModel) {
        if model == self.shown {
            return;
        }
        self.shown = model.clone();
        if let Some(handle) = &self.handle {
            // None only when the tray's task has ended, which it does not before we do.
            let _ = handle.update(|item| item.model = model).await;
        }
    }

    /// Takes the icon away.
    pub async fn stop(self) {
        if let Some(handle) = self.handle {
            handle.shutdown().await;
        }
    }
}

struct Item {
    model: TrayModel,
    pictures: Arc<Pictures>,
    wishes: mpsc::Sender<Wish>,
    online: watch::Sender<Option<bool>>,
}

impl Item {
    fn wish(&self, wish: Wish) {
        // A person who clicks faster than the core answers loses the click, not the tray.
        if self.wishes.try_send(wish).is_err() {
            tracing::debug!("a click in the tray came too fast");
        }
    }
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "kopi".into()
    }

    fn title(&self) -> String {
        "Kopi".into()
    }

    fn status(&self) -> Status {
        if self.model.icon == TrayIcon::NeedsYou {
            Status::NeedsAttention
        } else {
            Status::Active
        }
    }

    fn icon_pixmap(&self) -> Vec<ksni::Icon> {
        self.pictures.of(self.model.icon, self.model.badge)
    }

    fn attention_icon_pixmap(&self) -> Vec<ksni::Icon> {
        self.pictures.of(TrayIcon::NeedsYou, self.model.badge)
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: self.model.tooltip.clone(),
            ..ToolTip::default()
        }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.wish(Wish::Show { item: None, log: false });
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        items(&self.model.menu)
    }

    fn watcher_online(&self) {
        self.online.send_replace(Some(true));
    }

    fn watcher_offline(&self, reason: OfflineReason) -> bool {
        tracing::info!(?reason, "no tray host shows the icon now");
        self.online.send_replace(Some(false));
        true
    }
}

fn items(entries: &[Entry]) -> Vec<MenuItem<Item>> {
    entries
        .iter()
        .map(|entry| match entry {
            Entry::Separator => MenuItem::Separator,
            Entry::Fact { mark: picture, text } => StandardItem {
                label: label(text, None),
                enabled: false,
                icon_data: picture.map(|picture| mark(picture).to_vec()).unwrap_or_default(),
                ..StandardItem::default()
            }
            .into(),
            Entry::Click {
                mark: picture,
                text,
                end,
                wish,
            } => {
                let wish = wish.clone();
                StandardItem {
                    label: label(text, end.as_deref()),
                    icon_data: picture.map(|picture| mark(picture).to_vec()).unwrap_or_default(),
                    activate: Box::new(move |item: &mut Item| item.wish(wish.clone())),
                    ..StandardItem::default()
                }
                .into()
            }
            Entry::More { text, entries } => SubMenu {
                label: label(text, None),
                submenu: items(entries),
                ..SubMenu::default()
            }
            .into(),
        })
        .collect()
}

/// D-Bus menus have one column, and read an underscore as an access key.
fn label(text: &str, end: Option<&str>) -> String {
    let text = text.replace('_', "__");
    match end {
        Some(end) => format!("{text} · {end}"),
        None => text,
    }
}
