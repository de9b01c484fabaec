//! Words the tray: facts first, then last results, then what can be done.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use kopi_model::wire::{ConnectionState, Task};
use kopi_model::{BuildStatus, Verb};

use super::facts::{Facts, Told};
use super::{Entry, Mark, TraySight};
use crate::format::{age_cell, duration, time};
use crate::words::verb_label;
use crate::{Lang, Wish};

/// Last results in the menu.
const RESULTS: usize = 6;
/// Services and subjects offered in a submenu.
const OFFERED: usize = 5;

pub(super) fn tooltip(facts: &Facts<'_>, sight: &TraySight<'_>) -> String {
    let mut parts = vec![headline(facts, sight)];
    if let Some((told, left)) = facts.moving.first() {
        let left = left.map(|left| left_words(left, sight.lang));
        parts.push(match left {
            Some(left) => format!("{}{}{left}", name(told), sight.lang.pick(", ", "，")),
            None => name(told),
        });
    }
    format!("Kopi{}{}", sight.lang.pick(": ", "："), parts.join(" · "))
}

pub(super) fn menu(facts: &Facts<'_>, sight: &TraySight<'_>) -> Vec<Entry> {
    let lang = sight.lang;
    let mut entries = fact_entries(facts, sight);
    let results = results(facts, sight);
    if !results.is_empty() {
        entries.push(Entry::Separator);
        entries.extend(results);
    }
    entries.push(Entry::Separator);
    entries.extend(redeploy(sight));
    entries.extend(mute(facts, sight));
    entries.push(focus(facts, sight));
    entries.push(Entry::Separator);
    entries.push(click(
        None,
        lang.pick("Open Kopi", "打开 Kopi").into(),
        Wish::Show { item: None, log: false },
    ));
    entries.push(click(None, lang.pick("Quit", "退出").into(), Wish::Quit));
    entries
}

fn click(mark: Option<Mark>, text: String, wish: Wish) -> Entry {
    Entry::Click {
        mark,
        text,
        end: None,
        wish,
    }
}

/// One line on how it stands.
fn headline(facts: &Facts<'_>, sight: &TraySight<'_>) -> String {
    let lang = sight.lang;
    if sight.snapshot.connections.is_empty() || !facts.watches && facts.answers {
        return lang.pick("nothing is watched yet", "还没有关注任何东西").into();
    }
    let mut parts = Vec::new();
    let broken = facts.broken.len() + facts.tasks_failed.len();
    if broken > 0 {
        parts.push(match lang {
            Lang::En => format!("{broken} broken"),
            Lang::Zh => format!("{broken} 个故障"),
        });
    }
    let asking = facts.asking.len();
    if asking > 0 {
        parts.push(match (lang, asking) {
            (Lang::En, 1) => "1 waits for you".into(),
            (Lang::En, _) => format!("{asking} wait for you"),
            (Lang::Zh, _) => format!("{asking} 个等你批准"),
        });
    }
    if parts.is_empty() {
        let words = if facts.answers {
            lang.pick("nothing is broken", "没有故障")
        } else {
            lang.pick("no server answers", "没有服务器响应")
        };
        parts.push(words.into());
    }
    parts.join(lang.pick(", ", "，"))
}

fn fact_entries(facts: &Facts<'_>, sight: &TraySight<'_>) -> Vec<Entry> {
    let lang = sight.lang;
    let mark = if !facts.broken.is_empty() || !facts.tasks_failed.is_empty() {
        Some(Mark::Failed)
    } else if facts.asking.is_empty() {
        None
    } else {
        Some(Mark::Blocked)
    };
    let mut entries = vec![Entry::Fact {
        mark,
        text: capital(headline(facts, sight)),
    }];
    let moving = facts.moving.len() + facts.tasks_moving.len();
    if moving > 0 {
        let next = facts.moving.first().and_then(|(_, left)| *left);
        let next = next.map(|left| duration(SignedDuration::from_secs(left)));
        entries.push(Entry::Fact {
            mark: Some(Mark::Working),
            text: match (lang, next) {
                (Lang::En, Some(next)) => format!("{moving} moving, next in {next}"),
                (Lang::En, None) => format!("{moving} moving"),
                (Lang::Zh, Some(next)) => format!("{moving} 个进行中，最快 {next}"),
                (Lang::Zh, None) => format!("{moving} 个进行中"),
            },
        });
    }
    for connection in &facts.silent {
        let label = if connection.label.is_empty() {
            connection.name.as_str()
        } else {
            &connection.label
        };
        let retry = connection
            .retry_at
            .map(|at| at.duration_since(sight.now))
            .filter(|left| left.as_secs() > 0);
        entries.push(Entry::Fact {
            mark: Some(Mark::Degraded),
            text: match (connection.state, lang, retry) {
                (ConnectionState::SignedOut, Lang::En, _) => format!("{label}: sign-in failed"),
                (ConnectionState::SignedOut, Lang::Zh, _) => format!("{label}：登录失败"),
                (_, Lang::En, Some(left)) => format!("{label} not answering, retry in {}", age_cell(left, lang)),
                (_, Lang::Zh, Some(left)) => format!("{label} 没响应，{}后重试", age_cell(left, lang)),
                (_, Lang::En, None) => format!("{label} not answering"),
                (_, Lang::Zh, None) => format!("{label} 没响应"),
            },
        });
    }
    entries
}

fn results(facts: &Facts<'_>, sight: &TraySight<'_>) -> Vec<Entry> {
    let lang = sight.lang;
    let line = |told: &Told<'_>, mark: Mark, words: &str, end: Option<String>| Entry::Click {
        mark: Some(mark),
        text: [name(told).as_str(), words].join(" ").trim_end().to_owned(),
        end,
        wish: Wish::Show {
            item: Some(told.build.id.clone()),
            log: false,
        },
    };
    let age = |told: &Told<'_>| {
        told.since()
            .map(|since| age_cell(sight.now.duration_since(since), lang))
    };
    let mut entries = Vec::new();
    for told in &facts.asking {
        let words = lang.pick("waits for you", "等你批准");
        entries.push(line(told, Mark::Blocked, words, age(told)));
    }
    for task in &facts.tasks_failed {
        entries.push(task_line(task, Mark::Failed, lang.pick("did not get up", "没起来")));
    }
    for told in &facts.broken {
        if told.build.status.is_broken() {
            let words = lang.pick("failed", "构建失败");
            entries.push(line(told, Mark::Failed, words, age(told)));
        } else if let Some(service) = told.service {
            // The build is fine; it is the service that is not. Its own word says how.
            entries.push(Entry::Click {
                mark: Some(Mark::Failed),
                text: format!("{}/{} {}", service.stack_name, service.name, service.server_state),
                end: None,
                wish: Wish::Show {
                    item: Some(service.id.clone()),
                    log: false,
                },
            });
        }
    }
    for task in &facts.tasks_moving {
        let count = match (task.done, task.all) {
            (Some(done), Some(all)) => format!("{done}/{all}"),
            _ => String::new(),
        };
        entries.push(task_line(task, Mark::Working, &count));
    }
    for (told, left) in &facts.moving {
        let mark = if told.build.status == BuildStatus::Running {
            Mark::Running
        } else {
            Mark::Working
        };
        entries.push(line(told, mark, "", left.map(|left| left_words(left, lang))));
    }
    for told in &facts.passed {
        let words = lang.pick("passed", "通过");
        entries.push(line(told, Mark::Ok, words, age(told)));
    }
    entries.truncate(RESULTS);
    entries
}

fn task_line(task: &Task, mark: Mark, words: &str) -> Entry {
    click(
        Some(mark),
        [task.target_name.as_str(), words].join(" ").trim_end().to_owned(),
        Wish::Show {
            item: Some(task.target.clone()),
            log: false,
        },
    )
}

/// The services deployed last, each once.
fn redeploy(sight: &TraySight<'_>) -> Option<Entry> {
    let mut seen = BTreeSet::new();
    let entries: Vec<_> = sight
        .deploys
        .iter()
        .filter(|deploy| seen.insert(deploy.service.clone()))
        .take(OFFERED)
        .map(|deploy| {
            let tag = deploy.to.rsplit_once(':').map_or("", |(_, tag)| tag);
            click(
                None,
                format!("{} {tag} · {}", deploy.service_name, deploy.environment_name)
                    .trim_end_matches([' ', '·'])
                    .to_owned(),
                Wish::Do {
                    target: deploy.service.clone(),
                    verb: Verb::Redeploy,
                },
            )
        })
        .collect();
    (!entries.is_empty()).then(|| Entry::More {
        text: format!("{}…", verb_label(Verb::Redeploy, false, None, sight.lang)),
        entries,
    })
}

/// What was in the news, and what is muted.
fn mute(facts: &Facts<'_>, sight: &TraySight<'_>) -> Option<Entry> {
    let lang = sight.lang;
    let muted = |subject: &str| {
        let (_, until) = sight.muted.iter().find(|(name, _)| name == subject)?;
        (sight.now < *until).then_some(*until)
    };
    let mut entries: Vec<_> = sight
        .muted
        .iter()
        .filter(|(_, until)| sight.now < *until)
        .map(|(subject, until)| {
            let until = time(*until, sight.now, sight.zone, lang);
            let text = match lang {
                Lang::En => format!("{subject}: muted until {until}, unmute"),
                Lang::Zh => format!("{subject}：静音到 {until}，取消静音"),
            };
            click(None, text, Wish::Unmute(subject.clone()))
        })
        .collect();
    let moving = facts.moving.iter().map(|(told, _)| told);
    let mut seen = BTreeSet::new();
    entries.extend(
        facts
            .broken
            .iter()
            .chain(moving)
            .chain(&facts.passed)
            .map(|told| told.build.repo.as_str())
            .filter(|repo| muted(repo).is_none() && seen.insert(*repo))
            .take(OFFERED)
            .map(|repo| {
                let text = match lang {
                    Lang::En => format!("{repo} for 1 h"),
                    Lang::Zh => format!("{repo} 1 小时"),
                };
                click(None, text, Wish::MuteOneHour(repo.to_owned()))
            }),
    );
    (!entries.is_empty()).then(|| Entry::More {
        text: lang.pick("Mute", "静音").into(),
        entries,
    })
}

fn focus(facts: &Facts<'_>, sight: &TraySight<'_>) -> Entry {
    let lang = sight.lang;
    match sight.focus_until.filter(|_| facts.focus) {
        Some(until) => {
            let until = time(until, sight.now, sight.zone, lang);
            let text = match lang {
                Lang::En => format!("Focus until {until}: end it"),
                Lang::Zh => format!("专注到 {until}：结束"),
            };
            click(None, text, Wish::FocusOff)
        }
        None => click(
            None,
            lang.pick("Focus for 1 hour", "专注 1 小时").into(),
            Wish::FocusOneHour,
        ),
    }
}

fn left_words(left: i64, lang: Lang) -> String {
    let left = duration(SignedDuration::from_secs(left));
    match lang {
        Lang::En => format!("{left} left"),
        Lang::Zh => format!("剩 {left}"),
    }
}

/// `web #877`.
fn name(told: &Told<'_>) -> String {
    let repo = told.build.repo.rsplit('/').next().unwrap_or(&told.build.repo);
    format!("{repo} #{}", told.build.number)
}

fn capital(text: String) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => text,
    }
}
