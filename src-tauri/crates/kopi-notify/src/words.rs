//! A decided notice in words (`look/words.md`, Notifications): the title says what, the body why and where. A fact that
//! is not known is left out of its sentence, never guessed.
//!
//! Refuses: jokes (packs replace title and tone later, the fact stays here); cutting texts, which is the screen's affair.

use jiff::{SignedDuration, tz::TimeZone};
use kopi_model::notice::{Notice, NoticeEvent, NoticeFacts};
use kopi_model::{ItemKind, Verb};

use crate::format::{age_sentence, duration, time};
use crate::{Button, ButtonDoes, Lang, Loudness, Showing};

/// A notice in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worded {
    /// What.
    pub title: String,
    /// Why and where.
    pub body: String,
    /// What helps.
    pub buttons: Vec<Button>,
}

/// Words a notice. Times of day are those of `zone`, counted from the notice's own time.
pub fn word(notice: &Notice, lang: Lang, zone: &TimeZone) -> Worded {
    let facts = &notice.facts;
    let (title, body) = match lang {
        Lang::En => english(notice, facts, zone),
        Lang::Zh => chinese(notice, facts, zone),
    };
    Worded {
        title,
        body,
        buttons: buttons(notice, lang),
    }
}

/// A worded notice as the desktop takes it.
pub fn showing(notice: &Notice, worded: Worded) -> Showing {
    Showing {
        // One matter: the newest of a repository's branch or of a service stands for all before it.
        key: match notice.event {
            NoticeEvent::Digest => "digest".to_owned(),
            _ => format!("{}@{}", notice.subject, notice.facts.branch.as_deref().unwrap_or("")),
        },
        event: notice.event.word().to_owned(),
        title: worded.title,
        body: worded.body,
        buttons: worded.buttons,
        loudness: if notice.mine || is_bad(notice.event) {
            Loudness::Normal
        } else {
            Loudness::Quiet
        },
        item: notice.item.clone(),
        subject: notice.subject.clone(),
    }
}

/// A verb on a button, `version` being what it would bring back or run again.
pub fn verb_label(verb: Verb, on_build: bool, version: Option<&str>, lang: Lang) -> String {
    let plain = match verb {
        Verb::Restart if on_build => lang.pick("Build again", "重新构建"),
        Verb::Restart => lang.pick("Restart", "重启"),
        Verb::Cancel if on_build => lang.pick("Cancel build", "取消构建"),
        Verb::Cancel => lang.pick("Cancel upgrade", "取消升级"),
        Verb::Approve => lang.pick("Approve", "批准"),
        Verb::Decline => lang.pick("Decline", "驳回"),
        Verb::Promote => lang.pick("Deploy…", "部署…"),
        Verb::Enable => lang.pick("Enable", "启用"),
        Verb::Disable => lang.pick("Disable", "停用"),
        Verb::Redeploy => lang.pick("Redeploy", "重新部署"),
        Verb::Upgrade => lang.pick("Upgrade…", "升级…"),
        Verb::Finish => lang.pick("Finish", "收尾"),
        Verb::Rollback => match version {
            Some(_) => lang.pick("Roll back to", "退回"),
            None => lang.pick("Roll back", "退回"),
        },
        Verb::Scale => lang.pick("Scale…", "伸缩…"),
        Verb::Start => lang.pick("Start", "启动"),
        Verb::Stop => lang.pick("Stop", "停止"),
    };
    match (verb, version) {
        (Verb::Redeploy | Verb::Rollback, Some(version)) => format!("{plain} {version}"),
        _ => plain.to_owned(),
    }
}

fn is_bad(event: NoticeEvent) -> bool {
    matches!(
        event,
        NoticeEvent::Broken | NoticeEvent::StillBroken | NoticeEvent::DeployFailed | NoticeEvent::Waiting
    )
}

fn buttons(notice: &Notice, lang: Lang) -> Vec<Button> {
    let button = |does, label: &str| Button {
        does,
        label: label.to_owned(),
    };
    let on_build = notice.item.as_ref().and_then(kopi_model::ItemId::kind) == Some(ItemKind::Build);
    let mut buttons = Vec::new();
    let ended_badly = matches!(notice.event, NoticeEvent::Broken | NoticeEvent::StillBroken);
    if on_build && (ended_badly || notice.event == NoticeEvent::Started) {
        buttons.push(button(ButtonDoes::Log, lang.pick("Log", "日志")));
    }
    if notice.item.is_some() {
        for verb in &notice.offers {
            let version = match verb {
                Verb::Rollback => notice.facts.old_version.as_deref(),
                _ => notice.facts.version.as_deref(),
            };
            buttons.push(button(
                ButtonDoes::Verb(*verb),
                &verb_label(*verb, on_build, version, lang),
            ));
        }
    }
    let mutable = !matches!(
        notice.event,
        NoticeEvent::Waiting | NoticeEvent::Digest | NoticeEvent::Fixed
    );
    if mutable && !notice.subject.is_empty() {
        buttons.push(button(ButtonDoes::Mute, lang.pick("Mute 1 h", "静音 1 小时")));
    }
    buttons
}

/// `web` of `acme/web`: where a name alone is known to everybody.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn took(facts: &NoticeFacts) -> Option<String> {
    facts.took_s.map(|seconds| duration(SignedDuration::from_secs(seconds)))
}

fn age(seconds: Option<i64>, lang: Lang) -> Option<String> {
    seconds.map(|seconds| age_sentence(SignedDuration::from_secs(seconds), lang))
}

/// Waiting since a few seconds is not worth a word.
fn waited(facts: &NoticeFacts, lang: Lang) -> Option<String> {
    age(facts.age_s.filter(|seconds| *seconds >= 60), lang)
}

/// `web 2.14.0`, `web #877`, `web`.
fn named(facts: &NoticeFacts) -> String {
    let name = short(&facts.repo);
    match (&facts.version, facts.number) {
        (Some(version), _) => format!("{name} {version}"),
        (None, Some(number)) => format!("{name} #{number}"),
        (None, None) => name.to_owned(),
    }
}

fn numbered(facts: &NoticeFacts) -> String {
    match facts.number {
        Some(number) => format!("{} #{number}", short(&facts.repo)),
        None => short(&facts.repo).to_owned(),
    }
}

fn join(parts: impl IntoIterator<Item = Option<String>>, between: &str) -> String {
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(between)
}

/// The server's words, else the exit code.
fn reason(facts: &NoticeFacts, lang: Lang) -> Option<String> {
    facts.reason.clone().or_else(|| {
        facts
            .exit_code
            .map(|code| format!("{} {code}", lang.pick("exit code", "退出码")))
    })
}

fn english(notice: &Notice, facts: &NoticeFacts, zone: &TimeZone) -> (String, String) {
    const LANG: Lang = Lang::En;
    let name = short(&facts.repo);
    let by = join(
        [
            join(
                [facts.branch.clone(), facts.number.map(|number| format!("#{number}"))],
                " ",
            )
            .into(),
            facts.author.clone().map(|author| format!("by {author}")),
        ],
        " ",
    );
    let quoted = facts.commit_subject.as_ref().map(|subject| format!("\"{subject}\""));
    match notice.event {
        NoticeEvent::Started => (
            format!("{} builds", numbered(facts)),
            join(
                [
                    facts.author.clone(),
                    facts.branch.clone(),
                    facts
                        .usual_s
                        .map(|seconds| format!("usually {}", duration(SignedDuration::from_secs(seconds)))),
                ],
                ", ",
            ),
        ),
        NoticeEvent::Passed => (
            format!("{} passed", numbered(facts)),
            join([took(facts), facts.branch.clone(), facts.author.clone()], ", "),
        ),
        NoticeEvent::Broken => {
            let why = join([facts.step.clone(), reason(facts, LANG)], ", ");
            let why = join([Some(why), took(facts).map(|took| format!("after {took}"))], " ");
            (
                format!("{name} is broken"),
                join([Some(sentence(join([Some(by), Some(why)], ": "), ".")), quoted], " "),
            )
        }
        NoticeEvent::StillBroken => {
            let step = facts.step.as_ref().map(|step| match facts.same_step {
                Some(true) => format!("{step} again"),
                Some(false) => format!("this time {step}"),
                None => step.clone(),
            });
            (
                match facts.streak {
                    Some(streak) => format!("{name} is still broken, {streak} in a row"),
                    None => format!("{name} is still broken"),
                },
                join(
                    [
                        step,
                        reason(facts, LANG),
                        age(facts.broken_for_s, LANG).map(|age| format!("for {age}")),
                    ],
                    ", ",
                ),
            )
        }
        NoticeEvent::Fixed => {
            let number = facts.number.map(|number| format!("#{number}")).unwrap_or_default();
            let after = age(facts.broken_for_s, LANG).map(|age| format!("after {age} broken"));
            (
                format!("{name} is fixed"),
                join(
                    [
                        Some(sentence(join([Some(number), Some("passed".into()), after], " "), ".")),
                        facts.author.as_ref().map(|author| format!("Thank {author}.")),
                    ],
                    " ",
                ),
            )
        }
        NoticeEvent::Waiting => {
            let to = facts
                .environment
                .as_ref()
                .map(|environment| format!("to {environment}"));
            let waited = waited(facts, LANG).map(|age| format!("for {age}"));
            (
                format!("{} waits for you", named(facts)),
                join([Some(sentence(join([Some(by), to, waited], ", "), ".")), quoted], " "),
            )
        }
        NoticeEvent::Deployed => {
            let place = match (&facts.host, &facts.environment) {
                (Some(host), _) => format!(" on {host}"),
                (None, Some(environment)) => format!(" in {environment}"),
                (None, None) => String::new(),
            };
            let since = facts
                .since
                .map(|since| format!("since {}", time(since, notice.at, zone, LANG)));
            let lead = age(facts.lead_s, LANG).map(|lead| format!("{lead} after the push"));
            let containers = copies(facts).map(|(ok, all)| format!("{ok} of {all} containers"));
            (
                format!("Live: {}{place}", named(facts)),
                join([Some(join([containers, since], " ")), lead], ", "),
            )
        }
        NoticeEvent::DeployFailed => {
            let place = facts
                .environment
                .as_ref()
                .map(|environment| format!(" in {environment}"));
            let up = copies(facts).map(|(ok, all)| format!("{ok} of {all}"));
            (
                format!("{} did not get up{}", named(facts), place.unwrap_or_default()),
                join(
                    [
                        Some(sentence(join([up, reason(facts, LANG)], ", "), ".")),
                        facts.old_version.as_ref().map(|old| format!("{old} still serves.")),
                        notice.offers.contains(&Verb::Rollback).then(|| "Back: b".to_owned()),
                    ],
                    " ",
                ),
            )
        }
        NoticeEvent::LeftOpen => {
            let new_and_old = match (facts.ok, facts.old) {
                (Some(new), Some(old)) => Some(format!("{new} new and {old} old")),
                (Some(new), None) => Some(format!("{new} new")),
                _ => None,
            };
            (
                format!("{}: upgrade not finished", named(facts)),
                join([new_and_old, waited(facts, LANG).map(|age| format!("for {age}"))], " "),
            )
        }
        NoticeEvent::Digest => {
            let count = |count: u32, words: &str| (count > 0).then(|| format!("{count} {words}"));
            let counts = join(
                [
                    count(facts.broken, "broken"),
                    count(
                        facts.waiting,
                        if facts.waiting == 1 {
                            "waits for you"
                        } else {
                            "wait for you"
                        },
                    ),
                    count(facts.passed, "passed"),
                ],
                ", ",
            );
            let since = facts
                .since
                .map(|since| format!("Since {}", time(since, notice.at, zone, LANG)));
            (join([since, Some(counts)], ": "), broken_names(facts, ", "))
        }
    }
}

fn chinese(notice: &Notice, facts: &NoticeFacts, zone: &TimeZone) -> (String, String) {
    const LANG: Lang = Lang::Zh;
    let name = short(&facts.repo);
    let by = join(
        [
            facts.author.clone(),
            facts.branch.clone(),
            facts.number.map(|number| format!("#{number}")),
        ],
        " ",
    );
    let quoted = facts.commit_subject.as_ref().map(|subject| format!("「{subject}」"));
    match notice.event {
        NoticeEvent::Started => (
            format!("{} 开始构建", numbered(facts)),
            join(
                [
                    facts.author.clone(),
                    facts.branch.clone(),
                    facts
                        .usual_s
                        .map(|seconds| format!("一般 {}", duration(SignedDuration::from_secs(seconds)))),
                ],
                "，",
            ),
        ),
        NoticeEvent::Passed => (
            format!("{} 通过", numbered(facts)),
            join([took(facts), facts.branch.clone(), facts.author.clone()], "，"),
        ),
        NoticeEvent::Broken => {
            let why = join([facts.step.clone(), reason(facts, LANG)], " ");
            let why = join([Some(why), took(facts).map(|took| format!("用时 {took}"))], "，");
            (
                format!("{name} 构建失败"),
                join([Some(sentence(join([Some(by), Some(why)], "："), "。")), quoted], ""),
            )
        }
        NoticeEvent::StillBroken => {
            let step = facts.step.as_ref().map(|step| match facts.same_step {
                Some(true) => format!("还是 {step}"),
                Some(false) => format!("这次是 {step}"),
                None => step.clone(),
            });
            (
                match facts.streak {
                    Some(streak) => format!("{name} 还没好，连挂 {streak} 次"),
                    None => format!("{name} 还没好"),
                },
                join(
                    [
                        step,
                        reason(facts, LANG),
                        age(facts.broken_for_s, LANG).map(|age| format!("已 {age}")),
                    ],
                    "，",
                ),
            )
        }
        NoticeEvent::Fixed => {
            let number = facts.number.map(|number| format!("#{number}")).unwrap_or_default();
            let passed = join([Some(number), Some("通过".into())], " ");
            let after = age(facts.broken_for_s, LANG).map(|age| format!("坏了 {age}"));
            (
                format!("{name} 修好了"),
                join(
                    [
                        Some(sentence(join([Some(passed), after], "，"), "。")),
                        facts
                            .author
                            .as_ref()
                            .map(|author| format!("谢谢{}。", beside_chinese(author).trim_end())),
                    ],
                    "",
                ),
            )
        }
        NoticeEvent::Waiting => {
            let to = facts
                .environment
                .as_ref()
                .map(|environment| format!(" → {environment}"));
            let waited = waited(facts, LANG).map(|age| format!("等了 {age}"));
            (
                format!("等你批准：{}{}", named(facts), to.unwrap_or_default()),
                join([Some(sentence(join([Some(by), waited], "，"), "。")), quoted], ""),
            )
        }
        NoticeEvent::Deployed => {
            let place = facts.host.as_ref().or(facts.environment.as_ref());
            let containers = copies(facts).map(|(ok, all)| format!("{ok}/{all} 容器"));
            let since = facts
                .since
                .map(|since| format!("{} 起", time(since, notice.at, zone, LANG)));
            (
                match place {
                    Some(place) => format!("已上线：{} → {place}", named(facts)),
                    None => format!("已上线：{}", named(facts)),
                },
                join(
                    [
                        containers,
                        since,
                        age(facts.lead_s, LANG).map(|lead| format!("推送后 {lead}")),
                    ],
                    "，",
                ),
            )
        }
        NoticeEvent::DeployFailed => {
            let place = facts
                .environment
                .as_ref()
                .map(|environment| format!("在{}", beside_chinese(environment)));
            let up = copies(facts).map(|(ok, all)| format!("{ok}/{all}"));
            (
                format!("{} {}没起来", named(facts), place.unwrap_or_default()),
                join(
                    [
                        Some(sentence(join([up, reason(facts, LANG)], "，"), "。")),
                        Some(join(
                            [
                                facts.old_version.as_ref().map(|old| format!("仍由 {old} 提供服务")),
                                notice.offers.contains(&Verb::Rollback).then(|| "按 b 退回".to_owned()),
                            ],
                            "，",
                        )),
                    ],
                    "",
                ),
            )
        }
        NoticeEvent::LeftOpen => {
            let new_and_old = match (facts.ok, facts.old) {
                (Some(new), Some(old)) => Some(format!("{new} 新 {old} 旧并存")),
                (Some(new), None) => Some(format!("{new} 新")),
                _ => None,
            };
            (
                format!("{} 升级没收尾", named(facts)),
                join([new_and_old, waited(facts, LANG)], " "),
            )
        }
        NoticeEvent::Digest => {
            let count = |count: u32, words: &str| (count > 0).then(|| format!("{count} 个{words}"));
            let counts = join(
                [
                    count(facts.broken, "失败"),
                    count(facts.waiting, "等你批准"),
                    count(facts.passed, "通过"),
                ],
                "，",
            );
            let since = facts
                .since
                .map(|since| format!("{} 以来", time(since, notice.at, zone, LANG)));
            (join([since, Some(counts)], "："), broken_names(facts, "、"))
        }
    }
}

fn copies(facts: &NoticeFacts) -> Option<(u32, u32)> {
    Some((facts.ok?, facts.all?))
}

fn broken_names(facts: &NoticeFacts, between: &str) -> String {
    facts
        .repos
        .iter()
        .map(|repo| short(repo))
        .collect::<Vec<_>>()
        .join(between)
}

/// Ends a sentence, when there is one.
fn sentence(text: String, stop: &str) -> String {
    if text.is_empty() || text.ends_with(stop) {
        text
    } else {
        text + stop
    }
}

/// Latin words stand one space away from Chinese ones.
fn beside_chinese(name: &str) -> String {
    let latin = |character: Option<char>| character.is_some_and(|character| character.is_ascii_graphic());
    let before = if latin(name.chars().next()) { " " } else { "" };
    let after = if latin(name.chars().next_back()) { " " } else { "" };
    format!("{before}{name}{after}")
}

#[cfg(test)]
mod tests;
