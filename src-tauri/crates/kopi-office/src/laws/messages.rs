//! What people write: commit messages by hand and repository, pull request titles.
//!
//! Refuses: anything about real people.

use crate::chance::Draws;
use crate::world::people::Hand;

const CHINESE: [&str; 24] = [
    "feat: 首页卡片支持拖动排序",
    "fix: 夏令时切换当天统计少一小时",
    "perf: 趋势查询走覆盖索引",
    "refactor: 拆出单位换算模块",
    "fix: 断网重连后重复提示",
    "feat: 家庭成员共享测量结果",
    "test: 补上边界值用例",
    "chore: 升级依赖，清掉告警",
    "fix: 空列表时页面抖动",
    "feat: 导出最近一年数据",
    "docs: 补充部署说明",
    "fix: 蓝牙断开后不再重复绑定",
    "style: 统一错误提示的语气",
    "feat: 支持按周查看平均值",
    "fix: 身份证号校验漏了 X 结尾",
    "perf: 列表改虚拟滚动",
    "refactor: 上报接口合并成批量",
    "fix: 时区为空时按东八区处理",
    "feat: 新增血氧测量入口",
    "ci: 缓存依赖目录",
    "fix: 推送标题过长被截断",
    "feat: 医生端支持批注",
    "fix: 并发刷新 token 导致登出",
    "chore: 删掉没人用的开关",
];

const ENGLISH: [&str; 18] = [
    "fix: retry on 502 from the vendor cloud",
    "feat: rate limit per partner",
    "refactor: one place for timeouts",
    "perf: reuse gzip writers",
    "test: table tests for the router",
    "chore: go 1.11.4",
    "fix: close idle MQTT sessions",
    "feat: signed firmware manifests",
    "fix: do not log tokens",
    "feat: health endpoint tells its version",
    "refactor: drop the old callback API",
    "fix: off by one in paging",
    "perf: batch inserts of readings",
    "docs: how to run it locally",
    "fix: nil map when headers are empty",
    "feat: structured logs",
    "fix: clock skew of gateways",
    "chore: tidy modules",
];

const REPAIRS_CHINESE: [&str; 5] = [
    "fix: 修复单测",
    "fix: 漏提交一个文件",
    "fix: lint 报错",
    "fix: 舍入方式改成 HALF_EVEN",
    "fix: 补上缺的依赖",
];
const REPAIRS_ENGLISH: [&str; 4] = [
    "fix: the build",
    "fix: forgot a file",
    "fix: expected value in the test",
    "fix: lint",
];

/// A commit message in somebody's hand.
pub fn message(hand: Hand, draws: &mut Draws) -> String {
    let all: &[&str] = match hand {
        Hand::Chinese => &CHINESE,
        Hand::English => &ENGLISH,
        Hand::Terse => &["fix"],
    };
    draws.pick(all).copied().unwrap_or("fix").to_owned()
}

/// What they write when they mend what they broke.
pub fn repair(hand: Hand, draws: &mut Draws) -> String {
    let all: &[&str] = match hand {
        Hand::Chinese => &REPAIRS_CHINESE,
        Hand::English => &REPAIRS_ENGLISH,
        Hand::Terse => &["fix"],
    };
    draws.pick(all).copied().unwrap_or("fix").to_owned()
}
