//! The words of plans and of tasks' details, in both languages: the sentences of the page (`ui/messages`), so that both
//! faces say the same. A key of a newer core is shown with its parts: nobody confirms what was not shown.

use kopi_model::{PlanStep, Verb};
use kopi_notify::Lang;

use crate::words;

/// One key's sentences, with `{part}` where a part stands.
struct Wording {
    /// The core's key; where one part chooses the sentence, with its value behind a slash.
    key: &'static str,
    /// The part that English counts by; empty where nothing is counted.
    counts: &'static str,
    one: &'static str,
    en: &'static str,
    zh: &'static str,
}

const fn said(key: &'static str, en: &'static str, zh: &'static str) -> Wording {
    counted(key, "", en, en, zh)
}

const fn counted(
    key: &'static str,
    counts: &'static str,
    one: &'static str,
    en: &'static str,
    zh: &'static str,
) -> Wording {
    Wording {
        key,
        counts,
        one,
        en,
        zh,
    }
}

/// Every key of `kopi_core::actions::keys`.
const WORDINGS: &[Wording] = &[
    counted(
        "plan_pull",
        "hosts",
        "Pull `{image}` anew on {hosts} host",
        "Pull `{image}` anew on {hosts} hosts",
        "在 {hosts} 台主机上重新拉取 `{image}`",
    ),
    counted(
        "plan_replace/start_first",
        "count",
        "Start {count} new container, {batch} at a time, {pause_s} s apart: the new one is up before the old one stops",
        "Start {count} new containers, {batch} at a time, {pause_s} s apart: each is up before its old one stops",
        "起 {count} 个新容器，一次 {batch} 个，间隔 {pause_s} 秒，先起新的再停旧的",
    ),
    counted(
        "plan_replace/stop_first",
        "count",
        "Replace {count} container, {batch} at a time, {pause_s} s apart: the old one stops before the new one starts",
        "Replace {count} containers, {batch} at a time, {pause_s} s apart: each old one stops before its new one starts",
        "换掉 {count} 个容器，一次 {batch} 个，间隔 {pause_s} 秒，先停旧的再起新的",
    ),
    counted(
        "plan_keep_old",
        "count",
        "Keep the {count} old container, stopped, for going back",
        "Keep the {count} old containers, stopped, for going back",
        "{count} 个旧容器停着，留着备退",
    ),
    counted(
        "plan_watch",
        "minutes",
        "Watch until every container is up, at most {minutes} minute; then say so, or offer the way back",
        "Watch until every container is up, at most {minutes} minutes; then say so, or offer the way back",
        "盯到每个容器都起来，最多 {minutes} 分钟；好了就报平安，否则给出回退",
    ),
    said(
        "plan_finish",
        "Then finish by itself: the old containers are removed",
        "然后自动收尾，删掉旧容器",
    ),
    said(
        "plan_finish_by_hand",
        "Then wait for you: finish, or go back",
        "然后等你决定：收尾，还是退回",
    ),
    counted(
        "plan_remove_old",
        "count",
        "Remove the {count} old container; the only way back is then a new upgrade",
        "Remove the {count} old containers; the only way back is then a new upgrade",
        "删掉 {count} 个旧容器，之后要退只能再升级一次",
    ),
    said(
        "plan_restore_old",
        "Start the old containers of `{image}` again, then stop and remove the new ones",
        "重新启动 `{image}` 的旧容器，再停掉并删除新的",
    ),
    said(
        "plan_cancel_upgrade",
        "Stop the upgrade after the step under way; old and new stay as they are then",
        "做完手上这一步就停下，新旧容器都留在当时的样子",
    ),
    said(
        "plan_scale",
        "From {from} to {to} containers",
        "容器从 {from} 个到 {to} 个",
    ),
    counted(
        "plan_start",
        "count",
        "Start {count} container",
        "Start {count} containers",
        "启动 {count} 个容器",
    ),
    counted(
        "plan_stop",
        "count",
        "Stop {count} container",
        "Stop {count} containers",
        "停掉 {count} 个容器",
    ),
    counted(
        "plan_restart",
        "count",
        "Restart {count} container, one after the other",
        "Restart {count} containers, one after the other",
        "重启 {count} 个容器，一个接一个",
    ),
    said(
        "plan_build_again",
        "Build #{number} again: the same commit of {branch}, under a new number",
        "重新构建 #{number}：{branch} 的同一个提交，新编号",
    ),
    said(
        "plan_build_cancel",
        "Stop build #{number}; what it has published stays",
        "停掉 #{number}，已经发布的不收回",
    ),
    said("plan_build_approve", "Let build #{number} run", "放行 #{number}"),
    said(
        "plan_build_decline",
        "Refuse build #{number}; it does not run",
        "驳回 #{number}，不会再跑",
    ),
    said(
        "plan_promote",
        "Start a build that deploys #{number} to {environment}",
        "起一次构建，把 #{number} 部署到{environment}",
    ),
    said("plan_repo_enable", "Build {repo} from now on", "从现在起构建 {repo}"),
    said(
        "plan_repo_disable",
        "Build {repo} no more; what was built stays",
        "不再构建 {repo}，以前的都留着",
    ),
    counted(
        "untouched_services",
        "count",
        "the other service of {stack}",
        "the {count} other services of {stack}",
        "{stack} 里另外 {count} 个服务",
    ),
    said(
        "untouched_configuration",
        "environment variables, labels, volumes, ports and scale",
        "环境变量、标签、卷、端口和份数",
    ),
    said("untouched_other_builds", "every other build", "其他构建"),
    said("untouched_containers", "every container", "所有容器"),
    said(
        "risk_gap",
        "There is one copy, and it stops before the new one starts: nothing serves meanwhile.",
        "只有一份，先停后起，中间没有服务。",
    ),
    said(
        "risk_moving_tag",
        "The tag `{tag}` can be moved: what comes may differ from what runs under the same name.",
        "tag `{tag}` 会变：拉下来的可能和现在同名的不是一个。",
    ),
    said(
        "risk_no_health_check",
        "It has no health check: \"up\" only means that the process runs.",
        "没有健康检查，「起来了」只说明进程在跑。",
    ),
    said(
        "risk_start_first_ports",
        "New before old needs {ports} free on another host.",
        "先起后停，要求别的主机上 {ports} 空着。",
    ),
    said(
        "risk_starts_stopped",
        "It is stopped now; this starts it.",
        "现在是停的，这一步会把它启动。",
    ),
    said(
        "risk_not_well_now",
        "It is not well now: `{state}`.",
        "它现在就不太好：`{state}`。",
    ),
    said(
        "risk_same_tag",
        "`{tag}` runs already; the image is pulled anew.",
        "`{tag}` 已经在跑，镜像会重新拉。",
    ),
    said(
        "risk_nothing_left",
        "Nothing serves after it.",
        "之后就没有容器提供服务了。",
    ),
    said(
        "risk_restart_gap",
        "There is one copy: nothing serves while it restarts.",
        "只有一份，重启期间没有服务。",
    ),
    said(
        "refused_read_only",
        "{connection} is read-only in `kopi.toml`: Kopi must not act through it.",
        "{connection} 在 `kopi.toml` 里设成了只读，Kopi 不能通过它操作。",
    ),
    said(
        "refused_key_reads_only",
        "The key in use may only read in {environment}.",
        "现在用的密钥在{environment}只能看。",
    ),
    said(
        "refused_connection_down",
        "{connection} does not answer: a plan on an old picture would be a guess.",
        "{connection} 没响应，按旧数据做计划等于瞎猜。",
    ),
    said(
        "refused_upgraded",
        "An upgrade waits to be finished or rolled back (`{state}`). The next one is refused until then.",
        "有一次升级还没收尾（`{state}`），收尾或退回之前不接受下一次。",
    ),
    said(
        "refused_upgrading",
        "An upgrade is under way (`{state}`).",
        "正在升级（`{state}`）。",
    ),
    said(
        "refused_upgrade_cancelled",
        "An upgrade was stopped half-way (`{state}`): finish it or go back first.",
        "有一次升级停在半路（`{state}`），先收尾或退回。",
    ),
    said(
        "refused_no_upgrade",
        "There is no upgrade to finish, stop or go back from.",
        "没有升级可以收尾、停止或退回。",
    ),
    said(
        "refused_kind",
        "This kind of service ({kind}) cannot be upgraded.",
        "这类服务（{kind}）不能升级。",
    ),
    said(
        "refused_not_offered",
        "The server does not offer it in this state (`{state}`).",
        "服务器在这个状态（`{state}`）不让做。",
    ),
    said(
        "refused_already_running",
        "Kopi is at it already: {verb}.",
        "Kopi 已经在做了：{verb}。",
    ),
    said(
        "refused_already_so",
        "It is that already: {state}.",
        "已经是这样了：{state}。",
    ),
    said("task_awaits_finish", "all up; waits to be finished", "都起来了，等收尾"),
    said("task_rolled_back", "was rolled back", "已退回"),
    said("task_superseded", "somebody else changed it", "被别人改了"),
    said("task_interrupted", "Kopi ended in the middle", "中途 Kopi 退出了"),
    said("task_gone", "it is gone", "它没了"),
    said("task_overdue", "not up in time", "没按时起来"),
    said("task_connection_down", "the server does not answer", "服务器没响应"),
    said("task_never_arrived", "the request never arrived", "请求没到"),
    said(
        "task_outcome_unknown",
        "nobody knows whether it arrived",
        "不知道到没到",
    ),
    said("task_plan_changed", "the plan would be another now", "计划已经变了"),
    said("task_not_sent", "was never sent", "没发出去"),
    said("task_no_effect", "it had no effect", "没有效果"),
];

/// A step, a risk, a reason … as a sentence.
pub(crate) fn step(step: &PlanStep, lang: Lang) -> String {
    let part = |name: &str| {
        let found = step.parts.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let key = match part("order") {
        Some(order) => format!("{}/{order}", step.message),
        None => step.message.clone(),
    };
    let Some(wording) = WORDINGS.iter().find(|wording| wording.key == key) else {
        return as_it_is(step);
    };
    let sentence = match lang {
        Lang::Zh => wording.zh,
        Lang::En if part(wording.counts) == Some("1") => wording.one,
        Lang::En => wording.en,
    };
    fill(sentence, |name| match (name, part(name)) {
        ("environment", Some(value)) => environment(value, lang).to_owned(),
        ("verb", Some(value)) => verb(value, lang),
        (_, value) => value.unwrap_or("?").to_owned(),
    })
}

/// What a task says of itself: our words for our keys, else the server's as they are.
pub(crate) fn detail(detail: &str, lang: Lang) -> &str {
    WORDINGS
        .iter()
        .find(|wording| wording.key == detail)
        .map_or(detail, |wording| lang.pick(wording.en, wording.zh))
}

fn as_it_is(step: &PlanStep) -> String {
    let parts: Vec<String> = step
        .parts
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    if parts.is_empty() {
        step.message.clone()
    } else {
        format!("{} ({})", step.message, parts.join(", "))
    }
}

/// Each `{name}` once: what a part brings along is never read as a part again.
fn fill(sentence: &str, part: impl Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(&part(name));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The usual environments by their name in the language; others stay as they are.
pub(crate) fn environment(name: &str, lang: Lang) -> &str {
    match name.to_ascii_lowercase().as_str() {
        "dev" | "develop" | "development" => lang.pick("dev", "开发"),
        "staging" | "stage" | "stg" => lang.pick("staging", "预发"),
        "prod" | "production" => lang.pick("production", "生产"),
        _ => name,
    }
}

fn verb(word: &str, lang: Lang) -> String {
    serde_json::from_value::<Verb>(word.into())
        .map_or_else(|_| word.to_owned(), |verb| words::verb(verb, lang).to_owned())
}

#[cfg(test)]
mod tests {
    use kopi_core::actions::keys::{DETAILS, REFUSED, RISKS, STEPS, UNTOUCHED};

    use super::*;

    fn keyed(message: &str, parts: &[(&str, &str)]) -> PlanStep {
        PlanStep {
            message: message.to_owned(),
            parts: parts
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            request: None,
        }
    }

    /// With every part the core's list names; so with no `?` and no key left.
    #[test]
    fn every_key_of_the_core_is_worded_in_both_languages() {
        for (key, parts) in [STEPS, UNTOUCHED, RISKS, REFUSED].concat() {
            for order in ["stop_first", "start_first"] {
                let values: Vec<(&str, &str)> = parts
                    .iter()
                    .map(|name| match *name {
                        "order" => ("order", order),
                        "verb" => ("verb", "rollback"),
                        other => (other, "42"),
                    })
                    .collect();
                let en = step(&keyed(key, &values), Lang::En);
                let zh = step(&keyed(key, &values), Lang::Zh);
                assert!(!en.contains(key) && !en.contains(['?', '{', '*']), "{en}");
                assert!(!zh.contains(key) && !zh.contains(['?', '{', '*']), "{zh}");
                assert_ne!(en, zh, "{key}");
                for name in parts.iter().filter(|name| !["order", "verb"].contains(*name)) {
                    assert!(zh.contains("42") && en.contains("42"), "{key} leaves {name} out");
                }
            }
        }
        for (key, _) in DETAILS {
            assert!(
                !detail(key, Lang::En).contains("task_") && detail(key, Lang::Zh) != detail(key, Lang::En),
                "{key}"
            );
        }
        assert_eq!(
            detail("Pulling image", Lang::Zh),
            "Pulling image",
            "the server's words stay"
        );
    }

    /// Both faces say the same: each sentence stands in the page's messages.
    #[test]
    fn the_page_says_the_same() {
        let same = |sentence: &str, counts: &str| {
            let counted = format!("{{{counts}}}");
            sentence.replace(&counted, "{n}").replace("{pause_s}", "{pause}")
        };
        for (file, batch, sentences) in [
            (
                "en.json",
                "{batch} at a time, {pause} s apart",
                WORDINGS
                    .iter()
                    .flat_map(|wording| [(wording, wording.one), (wording, wording.en)])
                    .collect::<Vec<_>>(),
            ),
            (
                "zh-CN.json",
                "一次 {batch} 个，间隔 {pause} 秒",
                WORDINGS.iter().map(|wording| (wording, wording.zh)).collect(),
            ),
        ] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../../ui/messages")
                .join(file);
            let messages = std::fs::read_to_string(&path)
                .unwrap()
                .replace("**", "")
                .replace("\\\"", "\"")
                // The page has words of its own for one at a time and for no pause.
                .replace("{batch}{pause}", batch);
            for (wording, sentence) in sentences {
                let sentence = same(sentence, wording.counts);
                assert!(
                    messages.contains(&format!("\"{sentence}\"")),
                    "{file} lacks: {sentence}"
                );
            }
        }
    }

    #[test]
    fn one_is_said_as_one_and_parts_are_never_read_twice() {
        let pull = |hosts| step(&keyed("plan_pull", &[("image", "{hosts}"), ("hosts", hosts)]), Lang::En);
        assert_eq!(pull("1"), "Pull `{hosts}` anew on 1 host");
        assert_eq!(pull("3"), "Pull `{hosts}` anew on 3 hosts");
        assert_eq!(
            step(&keyed("plan_of_tomorrow", &[("count", "2")]), Lang::En),
            "plan_of_tomorrow (count 2)"
        );
        let promote = keyed("plan_promote", &[("number", "7"), ("environment", "production")]);
        assert_eq!(step(&promote, Lang::Zh), "起一次构建，把 #7 部署到生产");
        let busy = keyed("refused_already_running", &[("verb", "rollback")]);
        assert_eq!(step(&busy, Lang::En), "Kopi is at it already: roll back.");
    }
}
