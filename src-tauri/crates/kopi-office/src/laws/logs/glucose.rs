//! The unit log of glucose-sync #218, as the mock-up shows it: 1,284 lines, the faults at 1190, 1191 and 1212.

use super::{LogLine, blue, red, yellow};

/// Length of the step the mock-up's times are from, milliseconds.
const TOOK_MS: i64 = 58_000;

/// Who waits in a stack trace below a test.
const FRAMES: [&str; 18] = [
    "org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:39)",
    "org.junit.jupiter.api.AssertEquals.assertEquals(AssertEquals.java:182)",
    "java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)",
    "java.lang.reflect.Method.invoke(Method.java:498)",
    "org.junit.platform.commons.util.ReflectionUtils.invokeMethod(ReflectionUtils.java:515)",
    "org.junit.jupiter.engine.execution.ExecutableInvoker.invoke(ExecutableInvoker.java:115)",
    "org.junit.jupiter.engine.descriptor.TestMethodTestDescriptor.lambda$6(TestMethodTestDescriptor.java:170)",
    "org.junit.platform.engine.support.hierarchical.ThrowableCollector.execute(ThrowableCollector.java:40)",
    "org.junit.jupiter.engine.descriptor.TestMethodTestDescriptor.execute(TestMethodTestDescriptor.java:166)",
    "org.junit.platform.engine.support.hierarchical.NodeTestTask.lambda$3(NodeTestTask.java:108)",
    "org.junit.platform.engine.support.hierarchical.NodeTestTask.execute(NodeTestTask.java:79)",
    "java.util.ArrayList.forEach(ArrayList.java:1257)",
    "org.junit.platform.engine.support.hierarchical.SameThreadHierarchicalTestExecutorService.invokeAll(SameThreadHierarchicalTestExecutorService.java:38)",
    "org.junit.platform.launcher.core.DefaultLauncher.execute(DefaultLauncher.java:220)",
    "org.apache.maven.surefire.junitplatform.JUnitPlatformProvider.invokeAllTests(JUnitPlatformProvider.java:142)",
    "org.apache.maven.surefire.booter.ForkedBooter.invokeProviderInSameClassLoader(ForkedBooter.java:383)",
    "org.apache.maven.surefire.booter.ForkedBooter.execute(ForkedBooter.java:126)",
    "org.apache.maven.surefire.booter.ForkedBooter.main(ForkedBooter.java:418)",
];

struct Log {
    lines: Vec<LogLine>,
}

impl Log {
    /// At seconds and tenths of the mock-up's step.
    fn say(&mut self, tenths: i64, text: impl Into<String>) {
        self.lines.push(LogLine {
            at_ms: tenths * 100,
            text: text.into(),
        });
    }

    fn frames(&mut self, tenths: i64) {
        for frame in FRAMES {
            self.say(tenths, format!("    at {frame}"));
        }
    }

    fn test_class(&mut self, tenths: i64, name: &str, tests: u32, skipped: u32, elapsed: &str) {
        self.say(tenths, format!("{} Running com.ihealth.glucose.{name}", blue("INFO")));
        self.say(tenths + 1, passed(tests, skipped, elapsed));
    }
}

fn passed(tests: u32, skipped: u32, elapsed: &str) -> String {
    format!(
        "{} Tests run: {tests}, Failures: 0, Errors: 0, Skipped: {skipped}, Time elapsed: {elapsed} s",
        blue("INFO")
    )
}

/// The log, stretched to the step's real length.
pub(super) fn unit_failure(took_ms: i64) -> Vec<LogLine> {
    let mut log = Log {
        lines: Vec::with_capacity(1284),
    };
    versions(&mut log);
    dependencies(&mut log);
    passing_classes(&mut log);
    failing_class(&mut log);
    ending(&mut log);
    for line in &mut log.lines {
        line.at_ms = line.at_ms * took_ms / TOOK_MS;
    }
    log.lines
}

/// 9 lines, the first second.
fn versions(log: &mut Log) {
    log.say(0, "+ java -version && mvn -v");
    log.say(4, "openjdk version \"1.8.0_181\"");
    log.say(
        4,
        "OpenJDK Runtime Environment (build 1.8.0_181-8u181-b13-2~deb9u1-b13)",
    );
    log.say(4, "OpenJDK 64-Bit Server VM (build 25.181-b13, mixed mode)");
    log.say(
        8,
        "Apache Maven 3.6.0 (97c98ec64a1fdfee7767ce5ffb20918da4f719f3; 2018-10-24T18:41:47Z)",
    );
    log.say(8, "Maven home: /usr/share/maven");
    log.say(
        8,
        "Java version: 1.8.0_181, vendor: Oracle Corporation, runtime: /docker-java-home/jre",
    );
    log.say(8, "Default locale: en, platform encoding: UTF-8");
    log.say(
        8,
        "OS name: \"linux\", version: \"4.15.0-142-generic\", arch: \"amd64\", family: \"unix\"",
    );
}

/// 214 lines, nine seconds.
fn dependencies(log: &mut Log) {
    log.say(10, "+ mvn -B -o dependency:resolve");
    log.say(14, format!("{} Scanning for projects...", blue("INFO")));
    for index in 0..212 {
        let tenths = 20 + index * 75 / 212;
        if index == 20 {
            // One of the three warnings stands far above the others.
            log.say(
                tenths,
                format!(
                    "{} com.ihealth:ihealth-bom:2.4 没有声明 maven-resources-plugin 版本",
                    yellow("WARN")
                ),
            );
            continue;
        }
        let (group, artifact) = match index % 6 {
            0 => ("org.springframework.boot", "spring-boot-starter"),
            1 => ("com.fasterxml.jackson.core", "jackson-databind"),
            2 => ("io.netty", "netty-handler"),
            3 => ("org.apache.kafka", "kafka-clients"),
            4 => ("com.ihealth", "ihealth-common"),
            _ => ("org.mybatis", "mybatis"),
        };
        log.say(
            tenths,
            format!(
                "{}    {group}:{artifact}-{:03}:jar:2.{}.{}:compile",
                blue("INFO"),
                index,
                index % 9,
                index % 14
            ),
        );
    }
}

/// The command and 956 lines of 61 test classes that all pass: lines 224 to 1180.
fn passing_classes(log: &mut Log) {
    log.say(100, "+ mvn -B -o test -pl glucose-core,glucose-api -Dgroups=unit");
    let first = log.lines.len();
    let classes = 61;
    let lines = 956;
    for class in 0..classes {
        let from = lines * class / classes;
        let to = lines * (class + 1) / classes;
        for line in from..to {
            let tenths = 105 + (line as i64) * 322 / lines as i64;
            let text = if line == from {
                format!("{} Running com.ihealth.glucose.{}", blue("INFO"), class_name(class))
            } else if line + 1 == to {
                passed(
                    12 + (class as u32 * 7) % 19,
                    0,
                    &format!("0.{:03}", (class * 37) % 900 + 40),
                )
            } else if line == 300 {
                format!(
                    "{} 14:04:39.017 设备 DC-2081 的时钟快 43 秒，按服务器时间计",
                    yellow("WARN")
                )
            } else {
                chatter(class, line)
            };
            log.say(tenths, text);
        }
    }
    debug_assert_eq!(log.lines.len() - first, lines);
}

fn class_name(class: usize) -> String {
    const SUBJECTS: [&str; 16] = [
        "Reading", "Meal", "Trend", "Device", "Batch", "Cursor", "Unit", "Account", "Alert", "Export", "Import",
        "Session", "Parser", "Range", "Target", "Share",
    ];
    const PARTS: [&str; 4] = ["Mapper", "Service", "Validator", "Controller"];
    format!(
        "{}{}Test",
        SUBJECTS[class % SUBJECTS.len()],
        PARTS[class / SUBJECTS.len() % PARTS.len()]
    )
}

fn chatter(class: usize, line: usize) -> String {
    let second = 27 + line * 33 / 956;
    let head = format!("\u{1b}[2m14:04:{:02}.{:03} [main]", second.min(59), line * 13 % 1000);
    match line % 5 {
        0 => format!(
            "{head} INFO  c.i.g.sync - 批次 {} 写入 {} 条，跳过 0 条\u{1b}[0m",
            4000 + line,
            20 + class
        ),
        1 => format!(
            "{head} DEBUG c.i.g.cursor - device DC-{:04} cursor {} -> {}\u{1b}[0m",
            line * 7 % 9999,
            line,
            line + 1
        ),
        2 => format!(
            "{head} INFO  c.i.g.meal - 餐前 {:.1} 餐后 {:.1} mmol/L\u{1b}[0m",
            4.2 + (line % 20) as f64 / 10.0,
            6.1 + (line % 30) as f64 / 10.0
        ),
        3 => format!("{head} DEBUG o.m.s.transaction - releasing transactional SqlSession\u{1b}[0m"),
        _ => format!(
            "{head} INFO  c.i.g.parser - 帧 {} 字节，校验和正确\u{1b}[0m",
            32 + line % 32
        ),
    }
}

/// Lines 1181 to 1236: what the mock-up shows.
fn failing_class(log: &mut Log) {
    log.test_class(430, "MealMarkTest", 22, 0, "0.310");
    log.say(
        440,
        format!("{} Running com.ihealth.glucose.SannuoGa6ParserTest", blue("INFO")),
    );
    log.say(
        450,
        "\u{1b}[2m14:05:01.880 [main] INFO  c.i.g.parser - 三诺 GA-6 帧 48 字节，校验和 0x7e 正确\u{1b}[0m",
    );
    log.say(450, passed(17, 0, "0.145"));
    log.say(
        451,
        format!(
            "{} Running com.ihealth.glucose.\u{1b}[1mGlucoseUnitTest\u{1b}[m",
            blue("INFO")
        ),
    );
    log.say(
        452,
        "\u{1b}[2m14:05:02.118 [main] INFO  c.i.g.GlucoseUnit - 单位换算表载入 mmol/L ↔ mg/dL, 2 条\u{1b}[0m",
    );
    log.say(
        452,
        "\u{1b}[2m14:05:02.131 [main] DEBUG c.i.g.GlucoseUnit - factor=18 (int)\u{1b}[0m",
    );
    log.say(
        453,
        format!("{} 14:05:02.140 舍入方式未指定，使用 HALF_UP", yellow("WARN")),
    );
    log.say(
        460,
        format!(
            "{} Tests run: 14, Failures: 2, Errors: 0, Skipped: 0, Time elapsed: 0.412 s",
            red("ERROR")
        ),
    );
    log.say(
        460,
        format!(
            "{} \u{1b}[1mmmolToMgdl_keepsOneDecimal\u{1b}[m  Time elapsed: 0.021 s  <<< FAILURE!",
            red("ERROR")
        ),
    );
    log.say(
        460,
        "org.opentest4j.AssertionFailedError: 5.6 mmol/L 应为 100.9 mg/dL ==> expected: <\u{1b}[32m100.9\u{1b}[m> but was: <\u{1b}[31m100.8\u{1b}[m>",
    );
    log.say(
        460,
        "    at com.ihealth.glucose.GlucoseUnitTest.mmolToMgdl_keepsOneDecimal(\u{1b}[36mGlucoseUnitTest.java:48\u{1b}[m)",
    );
    log.frames(461);
    log.say(
        462,
        format!(
            "{} \u{1b}[1mmgdlToMmol_roundTrip\u{1b}[m  Time elapsed: 0.004 s  <<< FAILURE!",
            red("ERROR")
        ),
    );
    log.say(
        462,
        "org.opentest4j.AssertionFailedError: 往返误差超过 0.05 ==> expected: <\u{1b}[32m7.8\u{1b}[m> but was: <\u{1b}[31m7.7\u{1b}[m>",
    );
    log.say(
        462,
        "    at com.ihealth.glucose.GlucoseUnitTest.mgdlToMmol_roundTrip(\u{1b}[36mGlucoseUnitTest.java:63\u{1b}[m)",
    );
    log.frames(463);
    log.test_class(470, "SyncCursorTest", 31, 1, "0.880");
    log.say(
        480,
        format!("{} Running com.ihealth.glucose.DeviceClockTest", blue("INFO")),
    );
    log.say(500, passed(9, 0, "2.104"));
}

/// Lines 1237 to 1284.
fn ending(log: &mut Log) {
    log.test_class(505, "ExportRangeTest", 18, 0, "0.402");
    log.test_class(520, "ShareTokenTest", 15, 0, "0.288");
    log.test_class(530, "TargetRangeTest", 11, 0, "0.190");
    log.say(539, blue("INFO"));
    log.say(
        540,
        format!(
            "{} Results: Tests run: 1,213, Failures: 2, Errors: 0, Skipped: 1",
            blue("INFO")
        ),
    );
    log.say(550, format!("{} BUILD FAILURE, total time 45.6 s", blue("INFO")));
    log.say(
        550,
        format!(
            "{} Failed to execute goal maven-surefire-plugin:2.22.2:test (default-test) on project glucose-core",
            red("ERROR")
        ),
    );
    log.say(
        550,
        format!(
            "{} There are test failures. See /drone/src/glucose-core/target/surefire-reports",
            red("ERROR")
        ),
    );
    log.say(
        551,
        "org.apache.maven.lifecycle.LifecycleExecutionException: There are test failures.",
    );
    for frame in FRAMES {
        log.say(551, format!("    at {frame}"));
    }
    log.say(
        552,
        "Caused by: org.apache.maven.plugin.MojoFailureException: There are test failures.",
    );
    for frame in FRAMES.iter().take(15) {
        log.say(552, format!("    at {frame}"));
    }
    log.say(
        553,
        "[INFO] glucose-api ........................................ SKIPPED",
    );
    log.say(560, "");
}
