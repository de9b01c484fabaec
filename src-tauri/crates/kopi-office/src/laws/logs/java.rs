//! What maven prints.

use super::{Telling, blue, red, yellow};
use crate::chance::Draws;

pub(super) fn compile(telling: Telling<'_>, draws: &mut Draws) -> Vec<String> {
    let name = &telling.repo.name;
    let info = blue("INFO");
    let mut lines = vec![
        "+ mvn -B -o -DskipTests package".to_owned(),
        format!("{info} Scanning for projects..."),
        format!("{info} --------------------< com.ihealth:{name} >--------------------"),
        format!("{info} Building {name} {}", telling.tag),
    ];
    for module in ["core", "api", "app"] {
        let files = draws.between(40, 320);
        lines.push(format!(
            "{info} --- maven-resources-plugin:3.1.0:resources (default-resources) @ {name}-{module} ---"
        ));
        lines.push(format!(
            "{info} --- maven-compiler-plugin:3.8.0:compile (default-compile) @ {name}-{module} ---"
        ));
        lines.push(format!(
            "{info} Compiling {files} source files to /drone/src/{name}-{module}/target/classes"
        ));
        if draws.happens(0.4) {
            lines.push(format!(
                "{} {name}-{module}: 某些输入文件使用了未经检查或不安全的操作",
                yellow("WARNING")
            ));
        }
        lines.push(format!(
            "{info} Building jar: /drone/src/{name}-{module}/target/{name}-{module}.jar"
        ));
    }
    if telling.fails {
        let line = draws.between(20, 240);
        lines.push(format!("{} COMPILATION ERROR :", red("ERROR")));
        lines.push(format!(
            "{} /drone/src/{name}-app/src/main/java/com/ihealth/App.java:[{line},31] cannot find symbol",
            red("ERROR")
        ));
        lines.push("  symbol:   method withZone(java.time.ZoneOffset)".to_owned());
        lines.push(format!("{info} BUILD FAILURE"));
    } else {
        lines.push(format!("{info} BUILD SUCCESS"));
    }
    lines.push(format!(
        "{info} Total time:  {:.3} s",
        telling.took_ms as f64 / 1000.0 - 1.2
    ));
    lines
}

pub(super) fn lint(telling: Telling<'_>, draws: &mut Draws) -> Vec<String> {
    let name = &telling.repo.name;
    let info = blue("INFO");
    let mut lines = vec![
        "+ mvn -B -o checkstyle:check".to_owned(),
        format!("{info} --- maven-checkstyle-plugin:3.0.0:check (default-cli) @ {name} ---"),
    ];
    if telling.fails {
        for _ in 0..4 {
            lines.push(format!(
                "{} src/main/java/com/ihealth/Sync.java:[{},5] (naming) MethodName: 方法名应为小写开头",
                red("ERROR"),
                draws.between(12, 300)
            ));
        }
        lines.push(format!(
            "{} Failed during checkstyle execution: There are 4 errors reported by Checkstyle",
            red("ERROR")
        ));
    } else {
        lines.push(format!("{info} You have 0 Checkstyle violations."));
        lines.push(format!("{info} BUILD SUCCESS"));
    }
    lines
}

pub(super) fn unit(telling: Telling<'_>, draws: &mut Draws) -> Vec<String> {
    let name = &telling.repo.name;
    let core = name.split('-').next().unwrap_or(name);
    let info = blue("INFO");
    let mut lines = vec![
        "+ java -version && mvn -v".to_owned(),
        "openjdk version \"1.8.0_181\"".to_owned(),
        "Apache Maven 3.6.0 (97c98ec64a1fdfee7767ce5ffb20918da4f719f3; 2018-10-24T18:41:47Z)".to_owned(),
        "+ mvn -B -o dependency:resolve".to_owned(),
        format!("{info} BUILD SUCCESS"),
        format!("+ mvn -B -o test -pl {core}-core,{core}-api -Dgroups=unit"),
    ];
    let classes = draws.between(12, 26);
    let mut tests = 0;
    for class in 0..classes {
        let package = format!("com.ihealth.{core}.Case{class:02}Test");
        let count = draws.between(4, 31);
        tests += count;
        lines.push(format!("{info} Running {package}"));
        if draws.happens(0.3) {
            lines.push(format!(
                "\u{1b}[2m{} [main] INFO  c.i.{core} - 载入 {} 条测试数据\u{1b}[0m",
                "14:05:02.118",
                draws.between(3, 400)
            ));
        }
        if telling.fails && class == classes / 2 {
            let line = draws.between(20, 190);
            lines.push(format!(
                "{} Tests run: {count}, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.{:03} s",
                red("ERROR"),
                draws.between(20, 990)
            ));
            lines.push(format!(
                "{} keepsOrder  Time elapsed: 0.018 s  <<< FAILURE!",
                red("ERROR")
            ));
            lines.push("org.opentest4j.AssertionFailedError: 顺序不对 ==> expected: <3> but was: <2>".to_owned());
            lines.push(format!("    at {package}.keepsOrder(Case{class:02}Test.java:{line})"));
            continue;
        }
        lines.push(format!(
            "{info} Tests run: {count}, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.{:03} s",
            draws.between(20, 990)
        ));
    }
    let failures = i32::from(telling.fails);
    lines.push(format!(
        "{info} Results: Tests run: {tests}, Failures: {failures}, Errors: 0, Skipped: 0"
    ));
    lines.push(if telling.fails {
        format!(
            "{} There are test failures. See /drone/src/{core}-core/target/surefire-reports",
            red("ERROR")
        )
    } else {
        format!("{info} BUILD SUCCESS")
    });
    lines
}
