//! What npm, jest, webpack and cypress print.

use super::Telling;
use crate::chance::Draws;

pub(super) fn install(_: Telling<'_>, draws: &mut Draws) -> Vec<String> {
    let packages = draws.between(1180, 1460);
    vec![
        "+ npm ci --registry=https://registry.npm.taobao.org".to_owned(),
        "npm WARN deprecated core-js@2.6.5: core-js@<3 is no longer maintained".to_owned(),
        "> node-sass@4.11.0 install /drone/src/node_modules/node-sass".to_owned(),
        "> node scripts/install.js".to_owned(),
        "Cached binary found at /root/.npm/node-sass/4.11.0/linux-x64-64_binding.node".to_owned(),
        format!(
            "added {packages} packages in {:.3}s",
            draws.between(30_000, 46_000) as f64 / 1000.0
        ),
    ]
}

pub(super) fn lint(telling: Telling<'_>) -> Vec<String> {
    let mut lines = vec![
        "+ npm run lint".to_owned(),
        format!("> {}@0.0.0 lint /drone/src", telling.repo.name),
        "> eslint --ext .js,.vue src test".to_owned(),
        String::new(),
    ];
    if telling.fails {
        lines.extend([
            "/drone/src/src/views/home/Trend.vue".to_owned(),
            "   48:7   \u{1b}[31merror\u{1b}[39m  'unit' is assigned a value but never used     no-unused-vars"
                .to_owned(),
            "   91:21  \u{1b}[31merror\u{1b}[39m  Expected '===' and instead saw '=='           eqeqeq".to_owned(),
            "  112:3   \u{1b}[31merror\u{1b}[39m  Unexpected side effect in \"points\" computed  vue/no-side-effects"
                .to_owned(),
            "  130:1   \u{1b}[31merror\u{1b}[39m  Expected indentation of 4 spaces but found 5  indent".to_owned(),
            String::new(),
            "\u{1b}[31m✖ 4 problems (4 errors, 0 warnings)\u{1b}[39m".to_owned(),
            "npm ERR! code ELIFECYCLE".to_owned(),
        ]);
    } else {
        lines.push("✔ 没有问题".to_owned());
    }
    lines
}

pub(super) fn unit(telling: Telling<'_>, draws: &mut Draws) -> Vec<String> {
    let mut lines = vec!["+ npm test -- --ci --coverage".to_owned()];
    let suites = draws.between(14, 30);
    for suite in 0..suites {
        let seconds = draws.between(200, 4000) as f64 / 1000.0;
        let bad = telling.fails && suite == suites / 2;
        let word = if bad {
            "\u{1b}[41m FAIL \u{1b}[49m"
        } else {
            "\u{1b}[42m PASS \u{1b}[49m"
        };
        lines.push(format!("{word} test/unit/case-{suite:02}.spec.js ({seconds:.3}s)"));
        if bad {
            lines.push("  ● 趋势图 › 单位随设置变化".to_owned());
            lines.push("    expect(received).toBe(expected) // Object.is equality".to_owned());
            lines.push("    Expected: \"16.0 kPa\"".to_owned());
            lines.push("    Received: \"120 mmHg\"".to_owned());
            lines.push(format!(
                "      at Object.<anonymous> (test/unit/case-{suite:02}.spec.js:{}:23)",
                draws.between(10, 90)
            ));
        }
    }
    let failed = i64::from(telling.fails);
    lines.push(format!(
        "Test Suites: {failed} failed, {} passed, {suites} total",
        suites - failed
    ));
    lines.push(format!("Time:        {:.2}s", telling.took_ms as f64 / 1000.0));
    lines
}

pub(super) fn build(telling: Telling<'_>, draws: &mut Draws) -> Vec<String> {
    let mut lines = vec![
        "+ npm run build -- --mode production".to_owned(),
        "> vue-cli-service build \"--mode\" \"production\"".to_owned(),
        "-  Building for production...".to_owned(),
    ];
    for percent in (5..100).step_by(3) {
        lines.push(format!(
            "{percent}% building {} modules",
            percent * 23 + draws.between(0, 20)
        ));
    }
    if telling.fails {
        lines.push("\u{1b}[41m ERROR \u{1b}[49m  Failed to compile with 1 errors".to_owned());
        lines.push("This dependency was not found: * @/charts/trend in ./src/views/home/Trend.vue".to_owned());
    } else {
        lines.push("  File                                 Size             Gzipped".to_owned());
        for (file, size) in [("vendor", 611.2), ("app", 184.7), ("trend", 92.4), ("device", 61.0)] {
            lines.push(format!(
                "  dist/js/{file}.{}.js        {size:.2} KiB       {:.2} KiB",
                &telling.sha[..telling.sha.len().min(8)],
                size / 3.1
            ));
        }
        lines.push(" DONE  Build complete. The dist directory is ready to be deployed.".to_owned());
    }
    lines
}

/// Specs and tests as the mock-up has them (`look/mock/build-running.html`, `builds.html`).
const SPECS: [(&str, &str, &[&str]); 14] = [
    (
        "login/password",
        "登录",
        &["手机号加验证码", "密码错 5 次后锁定 15 分钟", "微信授权回跳保留原地址"],
    ),
    (
        "login/refresh",
        "登录状态",
        &["token 过期时只刷新一次", "两个标签页同时刷新"],
    ),
    (
        "home/latest",
        "首页最近一次测量",
        &[
            "高压超 140 显示为偏高",
            "血糖与血压按时间合并",
            "离线时显示上次同步时间",
        ],
    ),
    (
        "home/trend-range",
        "趋势区间",
        &["自定义区间最长 365 天", "区间含闰日 2 月 29 日", "趋势图 30 天 30 个点"],
    ),
    ("home/share", "分享", &["分享图不含手机号"]),
    (
        "home/meal",
        "餐次",
        &["餐前餐后分开统计", "漏记时提示补录", "按餐次筛选"],
    ),
    (
        "home/target",
        "目标",
        &[
            "达标率按周计算",
            "医生改过目标后立即生效",
            "目标区间不能倒置",
            "没有目标时不显示",
        ],
    ),
    (
        "home/alert",
        "提醒",
        &["早晨提醒随时区走", "关闭后不再提醒", "重复提醒合并", "提醒文案不截断"],
    ),
    (
        "home/trend",
        "首页趋势图",
        &[
            "默认显示近 30 天",
            "切换到近 7 天后只剩 7 个点",
            "单位随设置变化 mmHg / kPa",
            "没有数据时给出说明",
        ],
    ),
    (
        "home/calendar",
        "测量日历",
        &["当天没测量显示空心点", "跨月翻页保留选中日"],
    ),
    (
        "device/bind",
        "设备绑定",
        &["扫码后跳到型号页", "同一账号绑定第二台血压计", "解绑后趋势保留历史"],
    ),
    ("device/list", "设备列表", &["离线设备排在后面", "电量低于 20% 标红"]),
    ("family/share", "家庭", &["邀请链接 24 小时有效", "成员只能看不能改"]),
    ("doctor/note", "批注", &["批注随报告导出"]),
];

pub(super) fn end_to_end(telling: Telling<'_>, draws: &mut Draws) -> Vec<String> {
    let mut lines = vec![
        "+ npx cypress run --record=false --config video=false".to_owned(),
        "=".repeat(84),
        "  (Run Starting)".to_owned(),
        format!(
            "  Cypress: 3.1.2   Browser: Electron 59 (headless)   Specs: {} found",
            SPECS.len()
        ),
    ];
    for (index, (spec, title, tests)) in SPECS.iter().enumerate() {
        lines.push(format!("  Running: {spec}.spec.js  ({} of {})", index + 1, SPECS.len()));
        lines.push(format!("  {title}"));
        for (place, test) in tests.iter().enumerate() {
            if *test == "两个标签页同时刷新" {
                lines.push(
                    "console.warn [moment] invalid date from device DC-2081, falling back to receivedAt".to_owned(),
                );
            }
            if *test == "跨月翻页保留选中日" {
                lines.push("    ! retry 1 of 2: 跨月翻页保留选中日".to_owned());
            }
            if telling.fails && index == 8 && place == 2 {
                lines.push(format!("    \u{1b}[31m1) {test}\u{1b}[39m"));
                continue;
            }
            lines.push(format!(
                "    \u{1b}[32m✓\u{1b}[39m {test} ({}ms)",
                draws.between(340, 1990)
            ));
            if *test == "区间含闰日 2 月 29 日" {
                lines.push(format!(
                    "cy.request GET http://api-mock:8080/v2/bp/trend?days=30 200 {} ms",
                    draws.between(18, 60)
                ));
            }
        }
        let passing = tests.len() - usize::from(telling.fails && index == 8);
        lines.push(format!("  {passing} passing ({}s)", draws.between(2, 6)));
        if telling.fails && index == 8 {
            lines.push("  1 failing".to_owned());
            lines.push("     CypressError: Timed out retrying: expected '120 mmHg' to equal '16.0 kPa'".to_owned());
        }
    }
    lines
}
