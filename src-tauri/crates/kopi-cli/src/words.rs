//! What the command line says to people, in both languages. JSON never comes through here.

use jiff::{SignedDuration, Timestamp};
use kopi_model::item::UpgradePhase;
use kopi_model::wire::{ConnectionHealth, ConnectionState, ErrorCode, TaskState};
use kopi_model::{BuildStatus, LiveStatus, Verb};
use kopi_notify::{Lang, format};

/// A build's status.
pub(crate) fn build_status(status: BuildStatus, lang: Lang) -> &'static str {
    match status {
        BuildStatus::Waiting => lang.pick("waiting", "排队"),
        BuildStatus::Running => lang.pick("running", "进行中"),
        BuildStatus::Passed => lang.pick("passed", "通过"),
        BuildStatus::Failed => lang.pick("failed", "失败"),
        BuildStatus::Errored => lang.pick("errored", "出错"),
        BuildStatus::Cancelled => lang.pick("cancelled", "已取消"),
        BuildStatus::Blocked => lang.pick("waits for a person", "等人批准"),
        BuildStatus::Declined => lang.pick("declined", "被驳回"),
        BuildStatus::Skipped => lang.pick("skipped", "跳过"),
        BuildStatus::Unknown => lang.pick("cannot tell", "说不准"),
    }
}

/// A living thing's status.
pub(crate) fn live_status(status: LiveStatus, phase: UpgradePhase, lang: Lang) -> &'static str {
    match (phase, status) {
        (UpgradePhase::AwaitsFinish, _) => lang.pick("not finished", "没收尾"),
        (UpgradePhase::Cancelled, _) => lang.pick("upgrade stopped half-way", "升级停在一半"),
        (UpgradePhase::RollingBack, _) => lang.pick("rolling back", "退回中"),
        (UpgradePhase::Running, _) => lang.pick("upgrading", "升级中"),
        (UpgradePhase::Finishing, _) => lang.pick("finishing", "收尾中"),
        (UpgradePhase::None, LiveStatus::Ok) => lang.pick("ok", "正常"),
        (UpgradePhase::None, LiveStatus::Working) => lang.pick("working", "变动中"),
        (UpgradePhase::None, LiveStatus::Degraded) => lang.pick("degraded", "不完整"),
        (UpgradePhase::None, LiveStatus::Failed) => lang.pick("failed", "挂了"),
        (UpgradePhase::None, LiveStatus::Stopped) => lang.pick("stopped", "已停"),
        (UpgradePhase::None, LiveStatus::Unknown) => lang.pick("cannot tell", "说不准"),
    }
}

/// How a connection does, with the time of the next try.
pub(crate) fn connection_state(health: &ConnectionHealth, now: Timestamp, lang: Lang) -> String {
    match health.state {
        ConnectionState::Live => lang.pick("live", "实时").into(),
        ConnectionState::Polling => match health.poll_s {
            Some(seconds) => format!("{seconds} {}", lang.pick("s", "秒")),
            None => lang.pick("asked", "轮询").into(),
        },
        ConnectionState::Starting => lang.pick("asking", "询问中").into(),
        ConnectionState::Retrying => {
            let seconds = health
                .retry_at
                .map_or(0, |at| (at.as_second() - now.as_second()).max(0));
            match lang {
                Lang::En => format!("retry in {seconds} s"),
                Lang::Zh => format!("{seconds} 秒后重试"),
            }
        }
        ConnectionState::SignedOut => lang.pick("sign-in failed", "登录失败").into(),
        ConnectionState::Off => lang.pick("off", "已关闭").into(),
        ConnectionState::Failed => lang.pick("stopped", "已停止").into(),
    }
}

/// A verb, as one would say it of a thing.
pub(crate) fn verb(verb: Verb, lang: Lang) -> &'static str {
    match verb {
        Verb::Restart => lang.pick("restart", "重启"),
        Verb::Cancel => lang.pick("cancel", "取消"),
        Verb::Approve => lang.pick("approve", "批准"),
        Verb::Decline => lang.pick("decline", "驳回"),
        Verb::Promote => lang.pick("promote", "部署到"),
        Verb::Enable => lang.pick("enable", "启用"),
        Verb::Disable => lang.pick("disable", "停用"),
        Verb::Redeploy => lang.pick("redeploy", "重新部署"),
        Verb::Upgrade => lang.pick("upgrade", "升级"),
        Verb::Finish => lang.pick("finish", "收尾"),
        Verb::Rollback => lang.pick("roll back", "退回"),
        Verb::Scale => lang.pick("scale", "调整数量"),
        Verb::Start => lang.pick("start", "启动"),
        Verb::Stop => lang.pick("stop", "停止"),
    }
}

/// Where an order stands.
pub(crate) fn task_state(state: &TaskState, lang: Lang) -> &'static str {
    match state {
        TaskState::Held { .. } => lang.pick("held", "待发"),
        TaskState::Sending => lang.pick("sending", "发送中"),
        TaskState::Watching => lang.pick("watching", "观察中"),
        TaskState::Finishing => lang.pick("finishing", "收尾中"),
        TaskState::Done => lang.pick("done", "完成"),
        TaskState::Failed => lang.pick("failed", "没起来"),
        TaskState::Unknown => lang.pick("outcome unknown", "结果不明"),
        TaskState::Refused => lang.pick("refused", "被拒绝"),
        TaskState::Undone => lang.pick("taken back", "已撤回"),
        TaskState::Superseded => lang.pick("overtaken by somebody else", "被别人的改动取代"),
    }
}

/// What helps, by code, where the core gave no hint of its own.
pub(crate) fn hint(code: ErrorCode, lang: Lang) -> Option<&'static str> {
    Some(match code {
        ErrorCode::NotConfirmed => lang.pick(
            "add --yes to confirm, or --plan to look first",
            "加 --yes 确认，或先用 --plan 看计划",
        ),
        ErrorCode::CoreGone => lang.pick("start Kopi, or run `kopi agent`", "启动 Kopi，或运行 `kopi agent`"),
        ErrorCode::NoSuchItem => lang.pick(
            "`kopi services` and `kopi builds` list what there is",
            "`kopi services` 和 `kopi builds` 会列出有什么",
        ),
        ErrorCode::Unauthorized => lang.pick(
            "change the credential, then `kopi probe`",
            "换掉凭据，再运行 `kopi probe`",
        ),
        ErrorCode::OutcomeUnknown => lang.pick(
            "look before you try again: `kopi services`",
            "重试前先看一眼：`kopi services`",
        ),
        ErrorCode::PlanOutdated => lang.pick("the world moved on; look at the plan again", "情况变了，再看一遍计划"),
        _ => return None,
    })
}

/// `12 min ago` in a cell: only the age, the column says the rest.
pub(crate) fn age(since: Option<Timestamp>, now: Timestamp, lang: Lang) -> String {
    since.map_or_else(String::new, |since| format::age_cell(now.duration_since(since), lang))
}

/// How long something took or takes.
pub(crate) fn took(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> String {
    from.map_or_else(String::new, |from| {
        format::duration(to.unwrap_or(now).duration_since(from).max(SignedDuration::ZERO))
    })
}
