//! What a repository's pipeline does: the steps Drone makes of it, how long each takes, and the `.drone.yml` (0.8
//! syntax) that says so. Steps and file are made from one table, so that one never says what the other does not do.
//!
//! Refuses: running anything.

use crate::world::repos::{Confirm, Craft, OWNER, REGISTRY, RepoPlan, environment_of};

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// `git clone`.
    Clone,
    /// Restores the cache of dependencies.
    Cache,
    /// Installs dependencies.
    Install,
    /// Compiles.
    Compile,
    /// Lints.
    Lint,
    /// Unit tests.
    Unit,
    /// Tests in a browser.
    EndToEnd,
    /// Builds and pushes the image.
    Publish,
    /// Asks Rancher to upgrade the service.
    Deploy,
    /// Tells the WeCom group.
    Tell,
    /// Stands beside the steps until the end (`services:`).
    Beside,
}

/// A step as Drone will have it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepPlan {
    /// Its name.
    pub name: String,
    /// What it does.
    pub work: Work,
    /// Usual length, seconds. A deploy takes as long as Rancher takes.
    pub usual_s: u32,
    /// Runs beside the step before it (`group:`).
    pub with_previous: bool,
    /// Runs also when the build has failed.
    pub always: bool,
}

fn step(name: &str, work: Work, usual_s: u32) -> StepPlan {
    StepPlan {
        name: name.to_owned(),
        work,
        usual_s,
        with_previous: false,
        always: false,
    }
}

/// Seconds the steps other than the deploy usually take, of a repository's usual length.
const DEPLOY_SHARE_S: u32 = 36;

/// The steps of a build, as Drone makes them of the file for this branch and event: steps that a `when` leaves out do
/// not exist at all (`apis/drone.md § 4.3`).
pub fn steps(repo: &RepoPlan, branch: &str, event: &str) -> Vec<StepPlan> {
    let mut steps = vec![step("clone", Work::Clone, 2)];
    let mut named: Vec<StepPlan> = match repo.craft {
        Craft::Java => vec![
            step("restore-cache", Work::Cache, 6),
            step("compile", Work::Compile, 38),
            StepPlan {
                with_previous: true,
                ..step("lint", Work::Lint, 21)
            },
            step("unit", Work::Unit, 58),
        ],
        Craft::Node => vec![
            step("install", Work::Install, 48),
            step("lint", Work::Lint, 22),
            step("unit", Work::Unit, 41),
            step("build", Work::Compile, 48),
        ],
        Craft::Go => vec![
            step("vendor", Work::Install, 11),
            step("vet", Work::Lint, 9),
            step("test", Work::Unit, 34),
            step("build", Work::Compile, 22),
        ],
    };
    if repo.name == "web" {
        named.push(step("e2e", Work::EndToEnd, 90));
    }
    let docs_only = repo.name == "open-api" && event == "docs";
    if docs_only {
        named.clear();
    }
    let target = environment_of(branch).filter(|_| matches!(event, "push" | "deployment"));
    if let (Some(environment), false) = (target, docs_only) {
        if event == "push" {
            let name = if branch == "develop" {
                "publish"
            } else {
                "publish-version"
            };
            named.push(step(name, Work::Publish, 27));
        } else {
            named.clear();
        }
        named.push(step(&format!("deploy-{environment}"), Work::Deploy, DEPLOY_SHARE_S));
    }
    scale(&mut named, repo.usual_s);
    steps.append(&mut named);
    if !docs_only {
        steps.push(StepPlan {
            always: true,
            ..step("notify-wecom", Work::Tell, 3)
        });
        if event != "deployment" {
            // Drone starts them right after the clone.
            let services = beside(repo).into_iter().map(|(name, _)| step(name, Work::Beside, 0));
            steps.splice(1..1, services);
        }
    }
    steps
}

/// Stretches the working steps so that all of them together take the repository's usual time.
fn scale(steps: &mut [StepPlan], usual_s: u32) {
    let own: u32 = steps
        .iter()
        .filter(|step| step.work != Work::Deploy && !step.with_previous)
        .map(|step| step.usual_s)
        .sum();
    let fixed = 5 + if steps.iter().any(|step| step.work == Work::Deploy) {
        DEPLOY_SHARE_S
    } else {
        0
    };
    let wanted = usual_s.saturating_sub(fixed).max(4);
    if own == 0 {
        return;
    }
    for step in steps.iter_mut().filter(|step| step.work != Work::Deploy) {
        step.usual_s = (step.usual_s * wanted / own).max(1);
    }
}

/// Containers that stand beside the steps: name, image.
pub fn beside(repo: &RepoPlan) -> Vec<(&'static str, &'static str)> {
    match (repo.craft, repo.name.as_str()) {
        (Craft::Java, "device-hub") => vec![("emqx", "emqx/emqx:v3.0.1"), ("redis", "redis:3.2")],
        (Craft::Java, _) => vec![("mysql", "mysql:5.7"), ("redis", "redis:3.2")],
        (Craft::Node, "web") => vec![("api-mock", "harbor.company.com/ihealth/api-mock:1.3.0")],
        _ => Vec::new(),
    }
}

/// The tag the deploy step asks Rancher for, where the file names it instead of taking the published one.
pub fn pinned_tag(repo: &str, branch: &str) -> Option<&'static str> {
    match (repo, branch) {
        // Somebody pinned it while looking into the digest and forgot.
        ("notify", "release") => Some("1.8.2"),
        // The tag that is pushed has a dot: 3.3.0-rc.1.
        ("user-center", "release") => Some("3.3.0-rc1"),
        _ => None,
    }
}

/// A build image of a craft.
fn builder(craft: Craft) -> &'static str {
    match craft {
        Craft::Java => "maven:3.6.0-jdk-8",
        Craft::Node => "node:10.14.2",
        Craft::Go => "golang:1.11.4",
    }
}

/// The repository's `.drone.yml`, 0.8 syntax.
pub fn drone_yml(repo: &RepoPlan) -> String {
    let anchors = matches!(repo.name.as_str(), "api" | "web" | "device-hub");
    let mut text: Vec<String> = Vec::new();
    if anchors {
        text.push(format!(
            "x-rancher: &rancher\n  image: peloton/drone-rancher\n  url: https://rancher.company.com\n  secrets: [ rancher_access_key, rancher_secret_key ]\n  service: {}\n\n",
            repo.service()
        ));
    }
    text.push(format!(
        "workspace:\n  base: /drone\n  path: src/github.com/{OWNER}/{}\n\npipeline:\n",
        repo.name
    ));
    for step in steps(repo, "", "pull_request") {
        if matches!(step.work, Work::Clone | Work::Tell | Work::Beside) {
            continue;
        }
        text.push(working_step(repo, &step));
    }
    text.push(publish_steps(repo));
    for (branch, environment) in [("develop", "dev"), ("release", "staging"), ("master", "production")] {
        text.push(deploy_step(repo, branch, environment, anchors));
    }
    text.push(
        "  notify-wecom:\n    image: fifsky/drone-wechat-work\n    secrets: [ wecom_url ]\n    msgtype: markdown\n    content: |\n      **${DRONE_REPO_NAME}** #${DRONE_BUILD_NUMBER} ${DRONE_BUILD_STATUS}\n      > ${DRONE_COMMIT_MESSAGE}\n    when:\n      status: [ success, failure ]\n"
            .to_owned(),
    );
    let services = beside(repo);
    if !services.is_empty() {
        text.push("\nservices:\n".to_owned());
        for (name, image) in services {
            text.push(format!("  {name}:\n    image: {image}\n"));
        }
    }
    text.concat()
}

fn working_step(repo: &RepoPlan, step: &StepPlan) -> String {
    if step.work == Work::Cache {
        return "  restore-cache:\n    image: drillster/drone-volume-cache\n    restore: true\n    mount: [ ./.m2 ]\n    volumes: [ /var/cache/drone:/cache ]\n".to_owned();
    }
    let mut text = vec![format!("  {}:\n    image: {}\n", step.name, builder(repo.craft))];
    if step.with_previous || (step.work == Work::Compile && repo.craft == Craft::Java) {
        text.push("    group: build\n".to_owned());
    }
    text.push("    commands:\n".to_owned());
    for command in commands(repo, step.work) {
        text.push(format!("      - {command}\n"));
    }
    if step.work == Work::EndToEnd {
        text.push("    when:\n      event: [ push, pull_request ]\n".to_owned());
    }
    text.concat()
}

/// The commands of a working step, as they also stand at the head of its log.
pub fn commands(repo: &RepoPlan, work: Work) -> Vec<String> {
    let name = &repo.name;
    let core = name.split('-').next().unwrap_or(name);
    let lines: Vec<String> = match (repo.craft, work) {
        (Craft::Java, Work::Compile) => vec!["mvn -B -o -DskipTests package".into()],
        (Craft::Java, Work::Lint) => vec!["mvn -B -o checkstyle:check".into()],
        (Craft::Java, Work::Unit) => vec![
            "java -version && mvn -v".into(),
            "mvn -B -o dependency:resolve".into(),
            format!("mvn -B -o test -pl {core}-core,{core}-api -Dgroups=unit"),
        ],
        (Craft::Node, Work::Install) => vec!["npm ci --registry=https://registry.npm.taobao.org".into()],
        (Craft::Node, Work::Lint) => vec!["npm run lint".into()],
        (Craft::Node, Work::Unit) => vec!["npm test -- --ci --coverage".into()],
        (Craft::Node, Work::Compile) => vec!["npm run build -- --mode production".into()],
        (Craft::Node, Work::EndToEnd) => vec!["npx cypress run --record=false --config video=false".into()],
        (Craft::Go, Work::Install) => vec!["go mod vendor".into()],
        (Craft::Go, Work::Lint) => vec!["go vet -mod=vendor ./...".into()],
        (Craft::Go, Work::Unit) => vec!["go test -mod=vendor -race ./...".into()],
        (Craft::Go, Work::Compile) => {
            vec![format!("CGO_ENABLED=0 go build -mod=vendor -o bin/{name} ./cmd/{name}")]
        }
        _ => Vec::new(),
    };
    lines
}

fn publish_steps(repo: &RepoPlan) -> String {
    let name = &repo.name;
    let login = if repo.name == "notify" {
        // The one that leaks: the plugin prints its settings, and these stand in them.
        "    username: ci\n    password: ${DOCKER_PASSWORD}\n    debug: true\n".to_owned()
    } else {
        "    secrets: [ docker_username, docker_password ]\n".to_owned()
    };
    [
        ("publish", "develop", "dev-${DRONE_COMMIT_SHA:0:7}"),
        ("publish-version", "[ release, master ]", "${VERSION}"),
    ]
    .map(|(step, branches, tag)| {
        format!(
            "  {step}:\n    image: plugins/docker\n    registry: {REGISTRY}\n    repo: {REGISTRY}/{OWNER}/{name}\n    tags: {tag}\n{login}    when:\n      event: push\n      branch: {branches}\n"
        )
    })
    .concat()
}

fn deploy_step(repo: &RepoPlan, branch: &str, environment: &str, anchors: bool) -> String {
    let tag = match (pinned_tag(&repo.name, branch), branch) {
        (Some(tag), _) => tag.to_owned(),
        (None, "develop") => "dev-${DRONE_COMMIT_SHA:0:7}".to_owned(),
        (None, _) => "${VERSION}".to_owned(),
    };
    let head = if anchors {
        "    <<: *rancher\n".to_owned()
    } else {
        format!(
            "    image: peloton/drone-rancher\n    url: https://rancher.company.com\n    secrets: [ rancher_access_key, rancher_secret_key ]\n    service: {}\n",
            repo.service()
        )
    };
    let confirm = if confirms(repo, environment) {
        "    confirm: true\n    timeout: 240\n"
    } else {
        ""
    };
    format!(
        "  deploy-{environment}:\n{head}    environment: {environment}\n    docker_image: {REGISTRY}/{OWNER}/{}:{tag}\n{confirm}    when:\n      event: [ push, deployment ]\n      branch: {branch}\n",
        repo.name
    )
}

/// The deploy step waits for the upgrade and finishes it (`apis/rancher.md § 6.6`).
pub fn confirms(repo: &RepoPlan, environment: &str) -> bool {
    repo.confirm == Confirm::Always || environment != "production"
}

/// Seconds a confirming deploy step waits before it gives up.
pub const CONFIRM_TIMEOUT_S: i64 = 240;

#[cfg(test)]
mod tests {
    use super::{Work, drone_yml, steps};
    use crate::world::{Size, World};

    #[test]
    fn glucose_sync_has_the_steps_of_the_mock_up() {
        let world = World::new(Size::Team);
        let repo = world.repo("glucose-sync").unwrap();
        let steps = steps(repo, "develop", "push");
        let names: Vec<&str> = steps
            .iter()
            .filter(|step| step.work != Work::Beside)
            .map(|step| step.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "clone",
                "restore-cache",
                "compile",
                "lint",
                "unit",
                "publish",
                "deploy-dev",
                "notify-wecom"
            ]
        );
        let beside: Vec<&str> = steps
            .iter()
            .filter(|step| step.work == Work::Beside)
            .map(|step| step.name.as_str())
            .collect();
        assert_eq!(beside, ["mysql", "redis"]);
    }

    #[test]
    fn builds_take_their_usual_time() {
        let world = World::new(Size::Team);
        for repo in world.repos.iter().filter(|repo| !repo.branches.is_empty()) {
            let total: u32 = steps(repo, "develop", "push")
                .iter()
                .filter(|step| !step.with_previous)
                .map(|step| step.usual_s)
                .sum();
            assert!(
                total.abs_diff(repo.usual_s) <= 8,
                "{}: {total} for {}",
                repo.name,
                repo.usual_s
            );
        }
    }

    #[test]
    fn pipeline_files_name_what_the_steps_do() {
        let world = World::new(Size::Team);
        for repo in &world.repos {
            let file = drone_yml(repo);
            for step in steps(repo, "master", "push") {
                if step.work != Work::Clone {
                    assert!(
                        file.contains(&format!("  {}:\n", step.name)),
                        "{}: {} in\n{file}",
                        repo.name,
                        step.name
                    );
                }
            }
        }
        let bp_sync = drone_yml(world.repo("bp-sync").unwrap());
        let production = bp_sync.split("deploy-production:").nth(1).unwrap();
        assert!(!production.contains("confirm"), "production is left open");
    }
}
