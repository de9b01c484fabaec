//! What git, go, docker and the plugins print.

use super::Telling;
use crate::chance::Draws;
use crate::laws::pipeline::{Work, commands};
use crate::world::repos::{Craft, OWNER, REGISTRY};

pub(super) fn clone(telling: Telling<'_>) -> Vec<String> {
    let full = telling.repo.full_name();
    vec![
        "+ git init".to_owned(),
        "Initialized empty Git repository in /drone/src/.git/".to_owned(),
        format!("+ git remote add origin https://github.com/{full}.git"),
        format!("+ git fetch --no-tags origin +refs/heads/{}:", telling.branch),
        format!("From https://github.com/{full}"),
        format!(" * branch            {}    -> FETCH_HEAD", telling.branch),
        format!("+ git reset --hard -q {}", telling.sha),
        "+ git submodule update --init --recursive".to_owned(),
    ]
}

pub(super) fn cache(draws: &mut Draws) -> Vec<String> {
    vec![
        "Restoring cache for folder ./.m2...".to_owned(),
        format!("sent {},418,220 bytes  received 19,402 bytes", draws.between(140, 310)),
    ]
}

pub(super) fn beside(craft: Craft) -> Vec<String> {
    match craft {
        Craft::Java => vec![
            "Initializing database".to_owned(),
            "2018-12-06T06:03:31.402117Z 0 [Note] mysqld: ready for connections.".to_owned(),
        ],
        _ => vec!["api-mock listening on :8080".to_owned()],
    }
}

pub(super) fn publish(telling: Telling<'_>, draws: &mut Draws) -> Vec<String> {
    let name = &telling.repo.name;
    let image = format!("{REGISTRY}/{OWNER}/{name}:{}", telling.tag);
    let mut lines = Vec::new();
    if name == "notify" {
        // The plugin that leaks, with a made-up secret.
        lines.push(
            "DEBUG plugin settings: registry=harbor.company.com username=ci password=demo-not-a-secret".to_owned(),
        );
    }
    lines.extend([
        "+ /usr/local/bin/docker version".to_owned(),
        "Client: Docker Engine - Community 18.09.0".to_owned(),
        format!(
            "+ /usr/local/bin/docker build --rm=true -f Dockerfile -t {} . --pull=true",
            &telling.sha[..telling.sha.len().min(8)]
        ),
        format!(
            "Sending build context to Docker daemon  {}.{}MB",
            draws.between(20, 96),
            draws.between(0, 9)
        ),
    ]);
    let steps = draws.between(7, 11);
    for step in 1..=steps {
        lines.push(format!(
            "Step {step}/{steps} : {}",
            ["FROM", "WORKDIR", "COPY", "RUN", "EXPOSE"][step as usize % 5]
        ));
        lines.push(format!(" ---> {:012x}", draws.between(0, 0xffff_ffff_ffff)));
    }
    lines.push(format!("Successfully tagged {image}"));
    lines.push(format!("+ /usr/local/bin/docker push {image}"));
    lines.push(format!("The push refers to repository [{REGISTRY}/{OWNER}/{name}]"));
    for _ in 0..draws.between(3, 6) {
        lines.push(format!("{:012x}: Pushed", draws.between(0, 0xffff_ffff_ffff)));
    }
    lines.push(format!(
        "{}: digest: sha256:{} size: 2204",
        telling.tag,
        digest(telling)
    ));
    lines
}

/// The digest that this commit's image gets: 64 hexadecimal digits.
fn digest(telling: Telling<'_>) -> String {
    let mut digest = String::new();
    while digest.len() < 64 {
        digest.push_str(telling.sha);
    }
    digest.truncate(64);
    digest
}

pub(super) fn tell(telling: Telling<'_>) -> Vec<String> {
    vec![
        format!("发送到企业微信：{} #{}", telling.repo.name, telling.number),
        "{\"errcode\":0,\"errmsg\":\"ok\"}".to_owned(),
    ]
}

pub(super) fn go_vendor(draws: &mut Draws) -> Vec<String> {
    let mut lines = vec!["+ go mod vendor".to_owned()];
    for module in [
        "github.com/gin-gonic/gin v1.3.0",
        "github.com/eclipse/paho.mqtt.golang v1.1.1",
        "go.uber.org/zap v1.9.1",
    ] {
        lines.push(format!("go: downloading {module}"));
    }
    lines.push(format!("go: {} modules", draws.between(30, 80)));
    lines
}

pub(super) fn go_test(telling: Telling<'_>, draws: &mut Draws) -> Vec<String> {
    let base = format!("github.com/{}", telling.repo.full_name());
    let mut lines = vec!["+ go test -mod=vendor -race ./...".to_owned()];
    for (index, package) in [
        "cmd",
        "internal/config",
        "internal/http",
        "internal/store",
        "internal/queue",
        "pkg/clock",
    ]
    .iter()
    .enumerate()
    {
        let seconds = draws.between(10, 4000) as f64 / 1000.0;
        if telling.fails && index == 3 {
            lines.push("--- FAIL: TestStoreKeepsOrder (0.02s)".to_owned());
            lines.push(format!(
                "    store_test.go:{}: got 2 rows, want 3",
                draws.between(20, 200)
            ));
            lines.push(format!("FAIL\t{base}/{package}\t{seconds:.3}s"));
        } else if index == 0 {
            lines.push(format!("?   \t{base}/{package}\t[no test files]"));
        } else {
            lines.push(format!("ok  \t{base}/{package}\t{seconds:.3}s"));
        }
    }
    if telling.fails {
        lines.push("FAIL".to_owned());
    }
    lines
}

pub(super) fn go_build(telling: Telling<'_>, work: Work) -> Vec<String> {
    let mut lines: Vec<String> = commands(telling.repo, work)
        .into_iter()
        .map(|command| format!("+ {command}"))
        .collect();
    if telling.fails {
        lines.push("# internal/http".to_owned());
        lines.push("internal/http/router.go:88:2: error: undefined: withTimeout".to_owned());
    } else if work == Work::Compile {
        lines.push(format!("built bin/{}", telling.repo.name));
    }
    lines
}
