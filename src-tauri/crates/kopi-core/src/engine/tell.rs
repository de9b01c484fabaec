//! The taker that tells: each fact once for ever, in words, on the desktop or, when held back, only into the inbox.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use kopi_model::wire::{NoticeRecord, Settings};
use kopi_model::{HeldBack, Notice, NoticeEvent, Prefs};
use kopi_notify::{Lang, word};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::shared::Shared;

/// Notices that wait for a slow desktop; more are kept for the inbox only by their absence of a banner.
pub(crate) const QUEUE: usize = 256;

/// A decided notice, and why it is not shown, if so.
pub(crate) type Decided = (Notice, Option<HeldBack>);

/// Tells until stopped.
pub(crate) async fn tell(shared: Arc<Shared>, mut notices: mpsc::Receiver<Decided>, stop: CancellationToken) {
    loop {
        let (notice, held_back) = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            decided = notices.recv() => match decided {
                Some(decided) => decided,
                None => return,
            },
        };
        match shared.records.take_notice_key(notice.key.clone(), notice.at).await {
            Ok(true) => {}
            Ok(false) => continue,
            // Better twice than never.
            Err(error) => tracing::warn!(%error.message, "cannot tell whether a notice was told before"),
        }
        let setting = shared.settings.load().settings.language.clone();
        let lang = Lang::choose(&setting, shared.machine.locale.as_deref());
        let worded = word(&notice, lang, &shared.machine.zone);
        let record = NoticeRecord {
            at: notice.at,
            event: notice.event.word().to_owned(),
            item: notice.item.clone(),
            title: worded.title.clone(),
            body: worded.body.clone(),
            held_back: held_back.map(|why| why.word().to_owned()),
        };
        if held_back.is_none() {
            shared.teller.tell(worded, notice).await;
        }
        if let Err(error) = shared.records.put_notice(record).await {
            tracing::warn!(%error.message, "a notice could not be kept");
        }
    }
}

/// What the person wants to be told now.
pub(crate) fn prefs(
    settings: &Settings,
    me: &[String],
    muted: &[(String, Timestamp)],
    focus_until: Option<Timestamp>,
    now: Timestamp,
    zone: &TimeZone,
) -> Prefs {
    Prefs {
        events: NoticeEvent::ALL
            .into_iter()
            .filter(|event| settings.notices.iter().any(|word| word == event.word()))
            .collect(),
        me: me.iter().map(|login| login.to_lowercase()).collect(),
        mine_loud_only: settings.mine_loud_only,
        muted: muted.to_vec(),
        focus_until,
        quiet_now: is_quiet(&settings.quiet_hours, now.to_zoned_datetime(zone.clone()).time()),
    }
}

/// `22:00-08:00`: from the first to before the second, over midnight when the second is earlier.
fn is_quiet(hours: &str, now: Time) -> bool {
    let parsed = hours.split_once('-').and_then(|(from, to)| {
        let from: Time = from.trim().parse().ok()?;
        let to: Time = to.trim().parse().ok()?;
        Some((from, to))
    });
    match parsed {
        Some((from, to)) if from <= to => from <= now && now < to,
        Some((from, to)) => from <= now || now < to,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_go_over_midnight() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        assert!(is_quiet("22:00-08:00", at("23:10")));
        assert!(is_quiet("22:00-08:00", at("07:59")));
        assert!(!is_quiet("22:00-08:00", at("08:00")));
        assert!(is_quiet("12:00-13:30", at("12:00")));
        assert!(!is_quiet("12:00-13:30", at("13:30")));
        assert!(!is_quiet("", at("03:00")));
        assert!(!is_quiet("late", at("03:00")));
    }
}
