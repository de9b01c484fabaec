//! A notice as facts: what happened, to which item, with every number a sentence could need. Worded in `kopi-notify`.
//!
//! Refuses: words and formats.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ItemId;

/// What a notice tells (`words.md`, Notifications).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are those of words.md")]
pub enum NoticeEvent {
    Started,
    Passed,
    Broken,
    StillBroken,
    Fixed,
    Waiting,
    Deployed,
    DeployFailed,
    LeftOpen,
    /// One summary of what happened while nobody watched.
    Digest,
}

impl NoticeEvent {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Started,
        Self::Passed,
        Self::Broken,
        Self::StillBroken,
        Self::Fixed,
        Self::Waiting,
        Self::Deployed,
        Self::DeployFailed,
        Self::LeftOpen,
        Self::Digest,
    ];

    /// The word in settings and in the inbox.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Passed => "passed",
            Self::Broken => "broken",
            Self::StillBroken => "still_broken",
            Self::Fixed => "fixed",
            Self::Waiting => "waiting",
            Self::Deployed => "deployed",
            Self::DeployFailed => "deploy_failed",
            Self::LeftOpen => "left_open",
            Self::Digest => "digest",
        }
    }
}

/// Facts; each is none while unknown and is then left out of the sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoticeFacts {
    /// `owner/name` of the repository, or `stack/service`.
    pub repo: String,
    /// Build number.
    pub number: Option<u64>,
    /// Branch.
    pub branch: Option<String>,
    /// Who to name.
    pub author: Option<String>,
    /// First line of the commit message.
    pub commit_subject: Option<String>,
    /// Step that failed.
    pub step: Option<String>,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// The server's words on why.
    pub reason: Option<String>,
    /// Seconds the build took.
    pub took_s: Option<i64>,
    /// Seconds it usually takes (median).
    pub usual_s: Option<i64>,
    /// Broken builds in a row, this one included.
    pub streak: Option<u32>,
    /// The same step failed as the time before.
    pub same_step: Option<bool>,
    /// Seconds since it broke first.
    pub broken_for_s: Option<i64>,
    /// Tag or number that is or should be running.
    pub version: Option<String>,
    /// Tag that ran before or still serves.
    pub old_version: Option<String>,
    /// Environment's name.
    pub environment: Option<String>,
    /// Where it is reached.
    pub host: Option<String>,
    /// Containers up.
    pub ok: Option<u32>,
    /// Containers wanted.
    pub all: Option<u32>,
    /// Old containers still kept.
    pub old: Option<u32>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Seconds from the commit's build to live.
    pub lead_s: Option<i64>,
    /// Seconds it has waited or stood open.
    pub age_s: Option<i64>,
    /// Digest: builds passed, broken, waiting meanwhile.
    pub passed: u32,
    /// Digest: broken.
    pub broken: u32,
    /// Digest: wait for a person.
    pub waiting: u32,
    /// Digest: the broken repositories by name.
    pub repos: Vec<String>,
}

/// A notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What.
    pub event: NoticeEvent,
    /// What a click brings up.
    pub item: Option<ItemId>,
    /// Told once for ever: `build:…#877/broken`.
    pub key: String,
    /// What "mute" would mute: `owner/name` or `stack/service`.
    pub subject: String,
    /// It is about what the person at this desk did.
    pub mine: bool,
    /// It is about production.
    pub production: bool,
    /// Verb that its button may offer besides log and mute.
    pub offers: Vec<crate::Verb>,
    /// Facts.
    pub facts: NoticeFacts,
    /// When it happened.
    pub at: Timestamp,
}

/// What the person wants to be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prefs {
    /// Kinds that are on.
    pub events: BTreeSet<NoticeEvent>,
    /// Logins of the person at this desk, lower case.
    pub me: BTreeSet<String>,
    /// Others' feature branches stay quiet.
    pub mine_loud_only: bool,
    /// Muted subjects, with their end.
    pub muted: Vec<(String, Timestamp)>,
    /// Focus until.
    pub focus_until: Option<Timestamp>,
    /// It is quiet hours now (the caller knows the person's time zone).
    pub quiet_now: bool,
}

/// Why a notice is kept in the inbox and not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBack {
    /// This kind is switched off.
    Off,
    /// Somebody else's, and not on a main branch.
    NotMine,
    /// Its subject is muted.
    Muted,
    /// Focus mode.
    Focus,
    /// Quiet hours.
    Quiet,
}

impl HeldBack {
    /// The word in the inbox.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::NotMine => "not_mine",
            Self::Muted => "muted",
            Self::Focus => "focus",
            Self::Quiet => "quiet",
        }
    }
}

/// Whether a notice is shown; `None` means shown. What waits for the person and broken production pass focus and quiet.
pub fn hold_back(notice: &Notice, prefs: &Prefs, now: Timestamp) -> Option<HeldBack> {
    let about_all = notice.production
        || notice.event == NoticeEvent::Digest
        || notice.facts.branch.as_deref().is_some_and(is_main_branch) && notice.event != NoticeEvent::Passed;
    let urgent = notice.event == NoticeEvent::Waiting && notice.mine
        || notice.production && notice.event == NoticeEvent::DeployFailed;
    if notice.event != NoticeEvent::Digest && !prefs.events.contains(&notice.event) {
        Some(HeldBack::Off)
    } else if prefs
        .muted
        .iter()
        .any(|(subject, until)| *subject == notice.subject && now < *until)
    {
        Some(HeldBack::Muted)
    } else if prefs.mine_loud_only && !notice.mine && !about_all {
        Some(HeldBack::NotMine)
    } else if urgent {
        None
    } else if prefs.focus_until.is_some_and(|until| now < until) {
        Some(HeldBack::Focus)
    } else if prefs.quiet_now {
        Some(HeldBack::Quiet)
    } else {
        None
    }
}

/// Branches whose builds concern everybody.
pub fn is_main_branch(branch: &str) -> bool {
    matches!(
        branch,
        "master" | "main" | "develop" | "dev" | "release" | "staging" | "production"
    )
}
