//! plan → confirm → run → watch, on a scripted server and a paused clock.

use std::sync::Arc;
use std::time::Duration;

use kopi_feed::{FeedError, Sent};
use kopi_model::item::{PreviousVersion, UpgradePhase};
use kopi_model::wire::{Act, Answer, ConnectionState, ErrorCode, Query, Task, TaskState};
use kopi_model::{Danger, Item, LiveStatus, NoticeEvent, Order, Plan, Receipt, Verb};

use crate::testing::{Bench, Memory, Script, bench_with, container, environment, order, scripted, service, start_time};
use crate::{CoreConnection, CoreSettings, Face, Session};

const OLD: &str = "hub.ihealth.com/web/api:1.8.2";
const NEW: &str = "hub.ihealth.com/web/api:1.8.3";

struct Scene {
    server: Arc<Script>,
    bench: Bench,
    session: Session,
}

fn standing(server: &Script, production: bool) {
    server.lists(vec![
        environment(production),
        Item::Service(service("v1", OLD, UpgradePhase::None)),
        container(1, "v1", LiveStatus::Ok),
        container(2, "v1", LiveStatus::Ok),
    ]);
}

async fn scene_of(server: Arc<Script>, connection: CoreConnection, records: Arc<Memory>, finish: bool) -> Scene {
    let mut settings = CoreSettings {
        connections: vec![connection],
        ..CoreSettings::default()
    };
    settings.settings.finish_upgrades = finish;
    let bench = bench_with(settings, records).await;
    bench
        .until("live", |picture| picture.connections[0].state == ConnectionState::Live)
        .await;
    let (session, _) = bench.core.session(Face::acting("window"));
    Scene { server, bench, session }
}

async fn scene(production: bool) -> Scene {
    let (server, connection) = scripted("rancher");
    standing(&server, production);
    scene_of(server, connection, Arc::default(), true).await
}

impl Scene {
    async fn plan(&self, order: Order) -> Plan {
        match self.session.query(Query::Plan { order }).await.unwrap() {
            Answer::Plan(plan) => *plan,
            other => panic!("{other:?}"),
        }
    }

    async fn run(&self, plan: &Plan, hold: bool) -> Result<i64, ErrorCode> {
        let act = Act::Run {
            order: plan.order.clone(),
            token: plan.token.clone(),
            hold,
        };
        match self.session.act(act).await {
            Ok(Answer::Task(id)) => Ok(id),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.code),
        }
    }

    async fn until_task(&self, what: &str, is_so: impl Fn(&Task) -> bool) -> Task {
        let mut found = None;
        self.bench
            .until(what, |picture| {
                found = picture.tasks.iter().find(|task| is_so(task)).cloned();
                found.is_some()
            })
            .await;
        found.unwrap()
    }

    fn upgrading(&self, phase: UpgradePhase) {
        let mut service = service("v2", NEW, phase);
        service.previous = Some(PreviousVersion {
            image: OLD.into(),
            version: Some("v1".into()),
        });
        self.server.upsert(Item::Service(service));
    }

    fn containers_replaced(&self) {
        self.server.upsert(container(1, "v1", LiveStatus::Stopped));
        self.server.upsert(container(2, "v1", LiveStatus::Stopped));
        self.server.upsert(container(3, "v2", LiveStatus::Ok));
        self.server.upsert(container(4, "v2", LiveStatus::Ok));
    }

    fn takes_upgrade(&self) {
        self.server.answers(Ok(Receipt {
            version: Some("v2".into()),
            ..Receipt::default()
        }));
    }

    fn journal(&self) -> Vec<(String, bool)> {
        let journal = self.bench.records.journal.lock().unwrap();
        let entries = journal.iter().map(|open| &open.entry);
        entries
            .map(|entry| (entry.result.clone(), entry.ended_at.is_some()))
            .collect()
    }

    fn deploy_results(&self) -> Vec<Option<String>> {
        let deploys = self.bench.records.deploys.lock().unwrap();
        deploys.iter().map(|deploy| deploy.result.clone()).collect()
    }
}

fn upgrade() -> Order {
    Order {
        tag: Some("1.8.3".into()),
        ..order(Verb::Upgrade)
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_exactly_what_will_happen_and_is_the_same_when_made_again() {
    let scene = scene(false).await;
    let plan = scene.plan(upgrade()).await;
    assert_eq!((plan.from.as_deref(), plan.to.as_deref()), (Some(OLD), Some(NEW)));
    assert_eq!((plan.containers, plan.danger), (Some(2), Danger::Reversible));
    assert_eq!(
        (plan.target_name.as_str(), plan.environment_name.as_deref()),
        ("web/api", Some("dev"))
    );
    let messages: Vec<&str> = plan.steps.iter().map(|step| step.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "plan_pull",
            "plan_replace",
            "plan_keep_old",
            "plan_watch",
            "plan_finish"
        ]
    );
    assert_eq!(plan.steps[0].request.as_deref(), Some("post /1s47?action=upgrade"));
    assert!(plan.refused.is_none());
    let again = scene.plan(plan.order.clone()).await;
    assert_eq!(again.token, plan.token);
    let production = self::scene(true).await;
    assert_eq!(production.plan(upgrade()).await.danger, Danger::Costly);
}

#[tokio::test(start_paused = true)]
async fn every_key_of_a_plan_is_in_the_list() {
    let listed: std::collections::BTreeMap<&str, &[&str]> = [
        super::keys::STEPS,
        super::keys::UNTOUCHED,
        super::keys::RISKS,
        super::keys::REFUSED,
    ]
    .concat()
    .into_iter()
    .collect();
    let scene = scene(false).await;
    for verb in [
        Verb::Redeploy,
        Verb::Upgrade,
        Verb::Finish,
        Verb::Rollback,
        Verb::Cancel,
        Verb::Start,
        Verb::Stop,
        Verb::Restart,
        Verb::Scale,
    ] {
        let mut asked = order(verb);
        asked.tag = Some("2".into());
        asked.scale = Some(0);
        let plan = scene.plan(asked).await;
        for step in plan
            .steps
            .iter()
            .chain(&plan.untouched)
            .chain(&plan.risks)
            .chain(&plan.refused)
        {
            let parts = listed
                .get(step.message.as_str())
                .unwrap_or_else(|| panic!("{} is not listed", step.message));
            let named: Vec<&str> = step.parts.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(&named, parts, "{}", step.message);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_redeploy_is_watched_finished_told_and_in_the_journal() {
    let mut scene = scene(false).await;
    scene.takes_upgrade();
    let plan = scene.plan(upgrade()).await;
    let id = scene.run(&plan, false).await.unwrap();
    scene.upgrading(UpgradePhase::Running);
    scene.server.upsert(container(3, "v2", LiveStatus::Ok));
    let task = scene.until_task("half", |task| task.done == Some(1)).await;
    assert_eq!(
        (task.id, task.all, task.state.clone()),
        (id, Some(2), TaskState::Watching)
    );
    scene.containers_replaced();
    scene.upgrading(UpgradePhase::AwaitsFinish);
    scene
        .until_task("finishing", |task| task.state == TaskState::Finishing)
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let verbs: Vec<Verb> = scene.server.orders().iter().map(|order| order.verb).collect();
    assert_eq!(verbs, [Verb::Upgrade, Verb::Finish], "each sent once");
    scene.upgrading(UpgradePhase::Finishing);
    scene.upgrading(UpgradePhase::None);
    scene.until_task("done", |task| task.state == TaskState::Done).await;
    assert_eq!(scene.journal(), [("done".to_owned(), true)]);
    assert_eq!(scene.deploy_results(), [Some("live".to_owned())]);
    let notice = scene.bench.told.recv().await.unwrap();
    assert_eq!(notice.event, NoticeEvent::Deployed);
    assert_eq!(
        (notice.facts.version.as_deref(), notice.facts.ok, notice.facts.all),
        (Some("1.8.3"), Some(2), Some(2))
    );
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(scene.bench.told.try_recv().is_err(), "told once");
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_come_up_offers_the_way_back() {
    let mut scene = scene(false).await;
    scene.takes_upgrade();
    let plan = scene.plan(upgrade()).await;
    scene.run(&plan, false).await.unwrap();
    scene.upgrading(UpgradePhase::Running);
    // Hangs without a word until the deadline.
    let task = scene
        .until_task("overdue", |task| task.state == TaskState::Failed)
        .await;
    assert_eq!(task.offers, [Verb::Rollback, Verb::Cancel]);
    let notice = scene.bench.told.recv().await.unwrap();
    assert_eq!(notice.event, NoticeEvent::DeployFailed);
    assert_eq!(scene.deploy_results(), [Some("failed".to_owned())]);
    // And the way back works while it is watched.
    let back = scene.plan(order(Verb::Rollback)).await;
    assert_eq!(back.to.as_deref(), Some(OLD));
    let id = scene.run(&back, false).await.unwrap();
    let mut restored = service("v1", OLD, UpgradePhase::None);
    restored.previous = None;
    scene.server.upsert(Item::Service(restored));
    scene
        .until_task("rolled back", |task| task.id == id && task.state == TaskState::Done)
        .await;
    scene
        .until_task("the upgrade is over", |task| task.state == TaskState::Superseded)
        .await;
    assert_eq!(scene.deploy_results(), [Some("rolled_back".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn undo_within_five_seconds_sends_nothing() {
    let scene = scene(false).await;
    let plan = scene.plan(order(Verb::Redeploy)).await;
    let id = scene.run(&plan, true).await.unwrap();
    scene
        .until_task("held", |task| matches!(task.state, TaskState::Held { .. }))
        .await;
    assert_eq!(scene.journal(), [("held".to_owned(), false)]);
    tokio::time::sleep(Duration::from_secs(4)).await;
    scene.session.act(Act::Undo { task: id }).await.unwrap();
    scene.until_task("undone", |task| task.state == TaskState::Undone).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(scene.server.orders().is_empty());
    assert_eq!(scene.journal(), [("undone".to_owned(), true)]);
    // One that left cannot be undone.
    let plan = scene.plan(order(Verb::Redeploy)).await;
    let id = scene.run(&plan, true).await.unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(scene.server.orders().len(), 1);
    assert!(scene.session.act(Act::Undo { task: id }).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn two_upgrades_of_one_service_are_refused() {
    let scene = scene(false).await;
    scene.takes_upgrade();
    let plan = scene.plan(upgrade()).await;
    scene.run(&plan, false).await.unwrap();
    assert_eq!(scene.run(&plan, false).await, Err(ErrorCode::AlreadyRunning));
    assert_eq!(
        scene.plan(order(Verb::Redeploy)).await.refused.unwrap().message,
        "refused_already_running"
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.server.orders().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_left_upgraded_offers_finish_or_rollback_first() {
    let scene = scene(false).await;
    scene.upgrading(UpgradePhase::AwaitsFinish);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let plan = scene.plan(order(Verb::Redeploy)).await;
    assert_eq!(plan.refused.as_ref().unwrap().message, "refused_upgraded");
    assert_eq!(plan.instead, [Verb::Finish, Verb::Rollback]);
    assert_eq!(scene.run(&plan, false).await, Err(ErrorCode::Conflict));
    assert!(scene.server.orders().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_the_world_has_overtaken_is_not_run() {
    let scene = scene(false).await;
    let plan = scene.plan(order(Verb::Redeploy)).await;
    scene
        .server
        .upsert(Item::Service(service("v9", NEW, UpgradePhase::None)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.run(&plan, false).await, Err(ErrorCode::PlanOutdated));
    // And while it is held back.
    let mut asked = order(Verb::Scale);
    asked.scale = Some(3);
    let plan = scene.plan(asked).await;
    scene.run(&plan, true).await.unwrap();
    scene
        .server
        .upsert(Item::Service(service("v10", NEW, UpgradePhase::None)));
    scene
        .until_task("refused", |task| task.state == TaskState::Refused)
        .await;
    assert!(scene.server.orders().is_empty());
}

#[tokio::test(start_paused = true)]
async fn read_only_is_held_by_the_core() {
    let (server, mut connection) = scripted("rancher");
    connection.read_only = true;
    standing(&server, false);
    let scene = scene_of(server, connection, Arc::default(), true).await;
    let plan = scene.plan(order(Verb::Redeploy)).await;
    assert_eq!(plan.refused.as_ref().unwrap().message, "refused_read_only");
    assert_eq!(scene.run(&plan, false).await, Err(ErrorCode::ReadOnly));
    let (looking, _) = scene.bench.core.session(Face::looking("browser"));
    let act = Act::Mute {
        subject: "web/api".into(),
        until: None,
    };
    assert_eq!(looking.act(act).await.unwrap_err().code, ErrorCode::NotAllowedHere);
    assert!(scene.server.orders().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_resolved_by_the_model() {
    let scene = scene(false).await;
    let mut lost = FeedError::new(ErrorCode::Timeout, "POST /upgrade", "no answer within 60 s");
    lost.sent = Sent::Maybe;
    scene.server.answers(Err(lost.clone()));
    let plan = scene.plan(upgrade()).await;
    scene.run(&plan, false).await.unwrap();
    scene
        .until_task("unknown", |task| task.state == TaskState::Unknown)
        .await;
    assert_eq!(scene.journal(), [("unknown".to_owned(), false)]);
    scene.upgrading(UpgradePhase::Running);
    scene.containers_replaced();
    scene.upgrading(UpgradePhase::AwaitsFinish);
    tokio::time::sleep(Duration::from_secs(1)).await;
    scene.upgrading(UpgradePhase::None);
    scene.until_task("done", |task| task.state == TaskState::Done).await;
    // The other way round: it never arrived.
    scene.server.answers(Err(lost));
    let plan = scene.plan(order(Verb::Redeploy)).await;
    scene.run(&plan, false).await.unwrap();
    let scope = kopi_model::Scope::from("all");
    tokio::time::sleep(Duration::from_secs(20)).await;
    let listing = scene.server.listing();
    scene.server.then(crate::testing::Move::Say(kopi_model::Event::Init {
        scope: scope.clone(),
        coverage: kopi_model::Coverage::Complete,
    }));
    for item in listing {
        scene
            .server
            .then(crate::testing::Move::Say(kopi_model::Event::Seen(Box::new(item))));
    }
    scene
        .server
        .then(crate::testing::Move::Say(kopi_model::Event::InitDone(scope)));
    let task = scene
        .until_task("never arrived", |task| task.state == TaskState::Failed)
        .await;
    assert_eq!(task.detail.as_deref(), Some("task_never_arrived"));
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_picks_the_watch_up() {
    let (server, connection) = scripted("rancher");
    standing(&server, false);
    let records = Arc::new(Memory::default());
    let first = scene_of(server.clone(), connection.clone(), records.clone(), true).await;
    first.takes_upgrade();
    let plan = first.plan(upgrade()).await;
    let id = first.run(&plan, false).await.unwrap();
    first.upgrading(UpgradePhase::Running);
    first
        .until_task("watching", |task| task.state == TaskState::Watching)
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.bench.core.stop("quit").await;
    // Another one is held back when the core ends: nothing of it was sent.
    let mut second = scene_of(server, connection, records, true).await;
    second.containers_replaced();
    second.upgrading(UpgradePhase::AwaitsFinish);
    tokio::time::sleep(Duration::from_secs(1)).await;
    second.upgrading(UpgradePhase::None);
    let task = second.until_task("done", |task| task.state == TaskState::Done).await;
    assert_eq!(task.id, id);
    assert_eq!(second.journal(), [("done".to_owned(), true)]);
    assert_eq!(second.deploy_results(), [Some("live".to_owned())]);
    assert_eq!(second.bench.told.recv().await.unwrap().event, NoticeEvent::Deployed);
}

#[tokio::test(start_paused = true)]
async fn a_deploy_names_the_build_whose_step_did_it_and_nobody_else() {
    let at = |ago_s: i64| start_time().checked_sub(jiff::SignedDuration::from_secs(ago_s)).ok();
    let built = |number: u64, step: &str, ended_ago_s: Option<i64>| {
        let Item::Build(mut build) = crate::testing::build("rancher", number, kopi_model::BuildStatus::Running) else {
            panic!("a build")
        };
        build.id = kopi_model::ItemId::new(
            kopi_model::ItemKind::Build,
            &build.connection,
            &format!("web/api#{number}"),
        );
        build.repo = "web/api".into();
        build.steps_known = true;
        build.started_at = at(600);
        build.steps = vec![kopi_model::Step {
            key: "2".into(),
            name: step.into(),
            status: kopi_model::BuildStatus::Running,
            started_at: at(599),
            ..kopi_model::Step::default()
        }];
        if let Some(ago) = ended_ago_s {
            build.status = kopi_model::BuildStatus::Passed;
            build.finished_at = at(ago);
            build.steps[0].finished_at = at(ago);
        }
        Item::Build(build)
    };
    for (build, by) in [
        (built(41, "deploy-dev", None), "build:rancher/web/api#41"),
        (built(42, "rancher", Some(20)), "build:rancher/web/api#42"),
        (built(43, "deploy-dev", Some(300)), "unknown"),
        (built(44, "unit tests", None), "unknown"),
    ] {
        let (server, connection) = scripted("rancher");
        standing(&server, false);
        let mut listing = server.listing();
        listing.push(build);
        server.lists(listing);
        let scene = scene_of(server, connection, Arc::default(), true).await;
        scene.upgrading(UpgradePhase::Running);
        let task = scene.until_task("seen", |task| task.id < 0).await;
        assert_eq!(task.by, by);
        let deploys = scene.bench.records.deploys.lock().unwrap().clone();
        assert_eq!(deploys[0].by.as_deref(), Some(by).filter(|by| *by != "unknown"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deploy_by_somebody_else_is_told_the_same_way_and_left_alone() {
    let mut scene = scene(false).await;
    scene.upgrading(UpgradePhase::Running);
    let task = scene.until_task("seen", |task| task.id < 0).await;
    assert_eq!((task.to.as_deref(), task.by.as_str()), (Some(NEW), "unknown"));
    scene.containers_replaced();
    scene.upgrading(UpgradePhase::AwaitsFinish);
    let task = scene.until_task("up", |task| task.state == TaskState::Done).await;
    assert_eq!(task.offers, [Verb::Finish, Verb::Rollback]);
    assert_eq!(scene.bench.told.recv().await.unwrap().event, NoticeEvent::Deployed);
    assert_eq!(scene.bench.told.recv().await.unwrap().event, NoticeEvent::LeftOpen);
    assert!(scene.server.orders().is_empty(), "not ours to finish");
    // Finished by hand, its row says live.
    let plan = scene.plan(order(Verb::Finish)).await;
    scene.run(&plan, false).await.unwrap();
    scene.upgrading(UpgradePhase::None);
    scene
        .until_task("finished", |task| task.id > 0 && task.state == TaskState::Done)
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.deploy_results(), [Some("live".to_owned())]);
}
