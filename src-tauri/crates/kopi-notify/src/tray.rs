//! What the tray shows, as one plain value: an icon, a tooltip and a menu, derived from the picture every face gets. The
//! adapters (D-Bus on Linux, Tauri elsewhere) only carry it over.
//!
//! Refuses: "all well" with nothing watched; a countdown finer than a caller redraws; anything that only the tray has.

mod facts;
mod menu;

use jiff::Timestamp;
use kopi_model::wire::{DeployRecord, Snapshot};

use crate::{Lang, Wish};

/// The six states of the icon (`look.md § 14`), told by shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrayIcon {
    /// Broken and yours, or waits for you.
    NeedsYou,
    /// Broken, and its author knows.
    Acknowledged,
    /// Something of yours moves.
    Working,
    /// Something is watched and nothing is wrong.
    Well,
    /// No server answers, or nothing is watched.
    Offline,
    /// Focus mode.
    Focus,
}

impl TrayIcon {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NeedsYou,
        Self::Acknowledged,
        Self::Working,
        Self::Well,
        Self::Offline,
        Self::Focus,
    ];

    /// The name its pictures have in `icons/tray`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NeedsYou => "needs-you",
            Self::Acknowledged => "acknowledged",
            Self::Working => "working",
            Self::Well => "well",
            Self::Offline => "offline",
            Self::Focus => "focus",
        }
    }
}

/// The picture before a menu entry, by its name in `icons/marks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as the pictures are")]
pub enum Mark {
    Failed,
    Blocked,
    Running,
    Working,
    Ok,
    Degraded,
}

/// A line of the menu.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Says something; cannot be clicked.
    Fact {
        /// Picture.
        mark: Option<Mark>,
        /// Words.
        text: String,
    },
    /// A rule.
    Separator,
    /// Does something.
    Click {
        /// Picture.
        mark: Option<Mark>,
        /// Words.
        text: String,
        /// What stands at its end (an age, a time left), where menus can.
        end: Option<String>,
        /// What it does.
        wish: Wish,
    },
    /// Opens more.
    More {
        /// Words.
        text: String,
        /// What it opens; never empty.
        entries: Vec<Entry>,
    },
}

/// What the tray shows.
#[derive(Clone, Debug, PartialEq)]
pub struct TrayModel {
    /// Icon.
    pub icon: TrayIcon,
    /// With a coloured badge (`Settings::tray_badges`).
    pub badge: bool,
    /// Tooltip, one line.
    pub tooltip: String,
    /// Menu.
    pub menu: Vec<Entry>,
}

/// What it is derived from.
#[derive(Clone, Copy, Debug)]
pub struct TraySight<'a> {
    /// The picture.
    pub snapshot: &'a Snapshot,
    /// Deploys of the history, newest first.
    pub deploys: &'a [DeployRecord],
    /// Logins of the person at this desk; empty: everything is theirs.
    pub me: &'a [String],
    /// Muted subjects with their end.
    pub muted: &'a [(String, Timestamp)],
    /// Focus until.
    pub focus_until: Option<Timestamp>,
    /// `Settings::tray_badges`.
    pub badge: bool,
    /// Language.
    pub lang: Lang,
    /// The person's time zone.
    pub zone: &'a jiff::tz::TimeZone,
    /// Now.
    pub now: Timestamp,
}

impl TrayModel {
    /// The tray of a picture. The first that holds: needs you, broken but seen, working, focus, offline, all well.
    pub fn derive(sight: &TraySight<'_>) -> Self {
        let facts = facts::Facts::gather(sight);
        let icon = if facts.needs_me() {
            TrayIcon::NeedsYou
        } else if !facts.broken.is_empty() {
            TrayIcon::Acknowledged
        } else if facts.mine_moves {
            TrayIcon::Working
        } else if facts.focus {
            TrayIcon::Focus
        } else if !facts.answers || !facts.watches {
            TrayIcon::Offline
        } else {
            TrayIcon::Well
        };
        Self {
            icon,
            badge: sight.badge,
            tooltip: menu::tooltip(&facts, sight),
            menu: menu::menu(&facts, sight),
        }
    }

    /// It says something that changes by itself (a time left), so it is worth deriving again in a while.
    pub fn moves(&self) -> bool {
        self.menu.iter().any(|entry| {
            matches!(
                entry,
                Entry::Click {
                    mark: Some(Mark::Running | Mark::Working),
                    ..
                }
            ) || matches!(
                entry,
                Entry::Fact {
                    mark: Some(Mark::Degraded),
                    ..
                }
            )
        })
    }
}

#[cfg(test)]
mod tests;
