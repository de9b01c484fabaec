//! The test as a panel: serves `org.kde.StatusNotifierWatcher`, reads the icon, reads and clicks the menu.

#![allow(
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "the interface on the bus has them"
)]

use std::collections::HashMap;

use tokio::sync::mpsc;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy, interface};

use super::agent::{PATIENCE, eventually};

struct Watcher {
    registered: mpsc::UnboundedSender<String>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str) {
        self.registered.send(service.to_owned()).ok();
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// A panel on a bus.
pub struct Panel {
    connection: Connection,
    registrations: mpsc::UnboundedReceiver<String>,
}

impl Panel {
    /// Comes up.
    pub async fn open(connection: Connection) -> Self {
        let (registered, registrations) = mpsc::unbounded_channel();
        connection
            .object_server()
            .at("/StatusNotifierWatcher", Watcher { registered })
            .await
            .unwrap();
        connection.request_name("org.kde.StatusNotifierWatcher").await.unwrap();
        Self {
            connection,
            registrations,
        }
    }

    /// The next icon that registers.
    pub async fn icon(&mut self) -> TrayIcon {
        let service = tokio::time::timeout(PATIENCE, self.registrations.recv())
            .await
            .expect("no icon registered")
            .unwrap();
        TrayIcon {
            connection: self.connection.clone(),
            service,
        }
    }
}

/// An icon in the panel.
pub struct TrayIcon {
    connection: Connection,
    service: String,
}

/// An entry of the menu.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MenuEntry {
    /// Number to click it by.
    pub id: i32,
    /// Words; empty for a rule.
    pub label: String,
    /// Can be clicked.
    pub enabled: bool,
    /// Has a picture.
    pub picture: bool,
    /// What it opens.
    pub entries: Vec<MenuEntry>,
}

type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl TrayIcon {
    async fn item(&self) -> Proxy<'_> {
        Proxy::new_owned(
            self.connection.clone(),
            self.service.clone(),
            "/StatusNotifierItem",
            "org.kde.StatusNotifierItem",
        )
        .await
        .unwrap()
    }

    async fn menu_proxy(&self) -> Proxy<'_> {
        let path: OwnedObjectPath = self.item().await.get_property("Menu").await.unwrap();
        Proxy::new_owned(
            self.connection.clone(),
            self.service.clone(),
            path,
            "com.canonical.dbusmenu",
        )
        .await
        .unwrap()
    }

    /// A property, read anew.
    pub async fn property<T>(&self, name: &str) -> T
    where
        T: TryFrom<OwnedValue>,
        T::Error: Into<zbus::Error>,
    {
        let properties = Proxy::new_owned(
            self.connection.clone(),
            self.service.clone(),
            "/StatusNotifierItem",
            "org.freedesktop.DBus.Properties",
        )
        .await
        .unwrap();
        let value: OwnedValue = properties
            .call("Get", &("org.kde.StatusNotifierItem", name))
            .await
            .unwrap();
        T::try_from(value).map_err(Into::into).unwrap()
    }

    /// The pixels of one size, ARGB.
    pub async fn pixels(&self, size: i32) -> Vec<u8> {
        let value: OwnedValue = self.property("IconPixmap").await;
        let pixmaps: Vec<(i32, i32, Vec<u8>)> = value.try_into().unwrap();
        let of_size = pixmaps.into_iter().find(|(width, _, _)| *width == size);
        of_size.unwrap_or_else(|| panic!("no pixmap of {size}")).2
    }

    /// A left click.
    pub async fn activate(&self) {
        let _: () = self.item().await.call("Activate", &(10, 10)).await.unwrap();
    }

    /// The whole menu.
    pub async fn menu(&self) -> Vec<MenuEntry> {
        let names: Vec<&str> = Vec::new();
        let (_revision, layout): (u32, Layout) = self
            .menu_proxy()
            .await
            .call("GetLayout", &(0, -1, names))
            .await
            .unwrap();
        entry(layout).entries
    }

    /// The menu once it has an entry with these words.
    pub async fn entry(&self, words: &str) -> MenuEntry {
        let found = eventually(async || find(&self.menu().await, words)).await;
        match found {
            Some(found) => found,
            None => panic!("{words:?} is not in the menu: {:#?}", self.menu().await),
        }
    }

    /// A click on that entry.
    pub async fn click(&self, entry: &MenuEntry) {
        let _: () = self
            .menu_proxy()
            .await
            .call("Event", &(entry.id, "clicked", Value::from(0), 0_u32))
            .await
            .unwrap();
    }
}

fn find(entries: &[MenuEntry], words: &str) -> Option<MenuEntry> {
    entries.iter().find_map(|entry| {
        if entry.label.contains(words) {
            Some(entry.clone())
        } else {
            find(&entry.entries, words)
        }
    })
}

fn entry((id, properties, children): Layout) -> MenuEntry {
    let text = |name: &str| {
        properties
            .get(name)
            .and_then(|value| String::try_from(value.clone()).ok())
            .unwrap_or_default()
    };
    MenuEntry {
        id,
        label: text("label"),
        enabled: properties
            .get("enabled")
            .is_none_or(|value| bool::try_from(value.clone()).unwrap_or(true)),
        picture: properties.contains_key("icon-data"),
        entries: children
            .into_iter()
            .map(|child| entry(Layout::try_from(child).unwrap()))
            .collect(),
    }
}
