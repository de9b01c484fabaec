//! Every notice in both languages, whole and with facts missing: read the snapshot as a person would.

use jiff::tz::TimeZone;
use kopi_model::Verb;
use kopi_model::notice::{Notice, NoticeEvent, NoticeFacts};

use super::*;

fn notice(event: NoticeEvent, facts: NoticeFacts) -> Notice {
    let on_service = matches!(
        event,
        NoticeEvent::Deployed | NoticeEvent::DeployFailed | NoticeEvent::LeftOpen
    );
    let item = if on_service {
        "service:rancher/1s47"
    } else {
        "build:drone/acme/web#877"
    };
    Notice {
        event,
        item: (event != NoticeEvent::Digest).then(|| item.into()),
        key: "key".into(),
        subject: facts.repo.clone(),
        mine: true,
        production: false,
        offers: match event {
            NoticeEvent::Broken | NoticeEvent::StillBroken => vec![Verb::Restart],
            NoticeEvent::Waiting => vec![Verb::Approve, Verb::Decline],
            NoticeEvent::DeployFailed => vec![Verb::Rollback],
            NoticeEvent::LeftOpen => vec![Verb::Finish],
            NoticeEvent::Deployed => vec![Verb::Redeploy],
            _ => vec![],
        },
        facts,
        at: "2026-11-20T06:20:00Z".parse().unwrap(),
    }
}

fn whole(event: NoticeEvent) -> NoticeFacts {
    let build = NoticeFacts {
        repo: "acme/glucose-sync".into(),
        number: Some(218),
        branch: Some("develop".into()),
        author: Some("孙悦".into()),
        commit_subject: Some("fix: rounding of <5.5 & up".into()),
        step: Some("unit".into()),
        exit_code: Some(1),
        took_s: Some(108),
        usual_s: Some(220),
        streak: Some(3),
        same_step: Some(true),
        broken_for_s: Some(21 * 60),
        age_s: Some(12 * 60),
        ..NoticeFacts::default()
    };
    let deploy = NoticeFacts {
        repo: "health/api".into(),
        version: Some("2.14.0".into()),
        old_version: Some("2.13.2".into()),
        environment: Some("生产".into()),
        host: Some("api.company.com".into()),
        reason: Some("health check failed on 10.42.3.7:3000".into()),
        ok: Some(1),
        all: Some(4),
        old: Some(3),
        since: "2026-11-20T06:18:00Z".parse().ok(),
        lead_s: Some(27 * 60),
        age_s: Some(3 * 3600),
        ..NoticeFacts::default()
    };
    match event {
        NoticeEvent::Deployed => NoticeFacts { ok: Some(4), ..deploy },
        NoticeEvent::DeployFailed | NoticeEvent::LeftOpen => deploy,
        NoticeEvent::Digest => NoticeFacts {
            passed: 12,
            broken: 2,
            waiting: 1,
            repos: vec!["acme/web".into(), "acme/glucose-sync".into()],
            since: "2026-11-19T10:47:00Z".parse().ok(),
            ..NoticeFacts::default()
        },
        _ => build,
    }
}

/// Nothing is known but the name.
fn bare(event: NoticeEvent) -> NoticeFacts {
    NoticeFacts {
        repo: if event == NoticeEvent::Digest {
            String::new()
        } else {
            "acme/web".into()
        },
        broken: u32::from(event == NoticeEvent::Digest),
        ..NoticeFacts::default()
    }
}

fn all_in(lang: Lang) -> String {
    let zone = TimeZone::fixed(jiff::tz::offset(8));
    let mut page = String::new();
    for event in NoticeEvent::ALL {
        for facts in [whole(event), bare(event)] {
            let worded = word(&notice(event, facts), lang, &zone);
            let buttons: Vec<_> = worded
                .buttons
                .iter()
                .map(|button| format!("[{}]", button.label))
                .collect();
            let lines = [worded.title, worded.body, buttons.join(" ")];
            let lines: Vec<_> = lines
                .iter()
                .filter(|line| !line.is_empty())
                .map(String::as_str)
                .collect();
            page.extend([event.word(), "\n  ", &lines.join("\n  "), "\n"]);
        }
    }
    page
}

#[test]
fn english_notices() {
    insta::assert_snapshot!(all_in(Lang::En));
}

#[test]
fn chinese_notices() {
    insta::assert_snapshot!(all_in(Lang::Zh));
}

#[test]
fn latin_names_stand_one_space_away_from_chinese() {
    let mut facts = whole(NoticeEvent::DeployFailed);
    facts.environment = Some("staging".into());
    let worded = word(&notice(NoticeEvent::DeployFailed, facts), Lang::Zh, &TimeZone::UTC);
    assert_eq!(worded.title, "api 2.14.0 在 staging 没起来");
    let mut facts = whole(NoticeEvent::Fixed);
    facts.author = Some("lin.hao".into());
    let worded = word(&notice(NoticeEvent::Fixed, facts), Lang::Zh, &TimeZone::UTC);
    assert!(worded.body.ends_with("谢谢 lin.hao。"), "{}", worded.body);
}

#[test]
fn a_newer_notice_about_a_branch_takes_the_older_ones_place() {
    let key = |event| {
        let notice = notice(event, whole(event));
        showing(&notice, word(&notice, Lang::En, &TimeZone::UTC)).key
    };
    assert_eq!(key(NoticeEvent::Broken), key(NoticeEvent::Fixed));
    assert_ne!(key(NoticeEvent::Broken), key(NoticeEvent::Deployed));
}
