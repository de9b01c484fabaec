//! Redeploys that do not go well, on the real protocol: one that hangs and is rolled back, one taken back in time, one that
//! outlives Kopi; and the deploys of Drone, told with the build that made them.

use std::time::Duration;

use kopi_model::wire::{Act, Answer, DeployRecord, JournalEntry, Query, TaskState};
use kopi_model::{Item, NoticeEvent, Order, Service, Verb};
use kopi_office::Wanted;

use crate::flow::{Scene, order, scene};

async fn journal(scene: &Scene) -> Vec<JournalEntry> {
    match scene
        .session
        .query(Query::Journal {
            before: None,
            limit: 20,
        })
        .await
    {
        Ok(Answer::Journal(entries)) => entries,
        other => panic!("{other:?}"),
    }
}

async fn deploys(scene: &Scene, service: &Service) -> Vec<DeployRecord> {
    let ask = Query::Deploys {
        service: Some(service.id.clone()),
        limit: 5,
    };
    match scene.session.query(ask).await {
        Ok(Answer::Deploys(deploys)) => deploys,
        other => panic!("{other:?}"),
    }
}

/// Writing requests that Rancher got.
fn written(scene: &Scene) -> Vec<String> {
    let switch = scene.office.handle().switch("rancher").unwrap();
    switch
        .seen()
        .into_iter()
        .filter(|seen| seen.method != "GET")
        .map(|seen| seen.path)
        .collect()
}

/// An upgrade to a tag that nobody pushed: no host can pull it.
fn to_nowhere(service: &Service) -> Order {
    Order {
        tag: Some("0.0.0-nobody-pushed-it".into()),
        ..order(service, Verb::Upgrade)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_hangs_says_why_offers_the_way_back_and_the_way_back_cures_it() {
    let mut scene = scene(60.0).await;
    let service = scene.deployable().await;
    let plan = scene.plan(to_nowhere(&service)).await;
    let id = scene.run(&plan).await;
    let task = scene
        .until_task("failed", id, |task| {
            matches!(task.state, TaskState::Failed | TaskState::Done)
        })
        .await;
    assert_eq!(task.state, TaskState::Failed, "{task:?}");
    assert!(
        task.offers.contains(&Verb::Rollback) || task.offers.contains(&Verb::Cancel),
        "{task:?}"
    );
    let reason = task.detail.clone().unwrap_or_default();
    assert!(
        reason.contains("nobody-pushed-it") || reason.to_lowercase().contains("image"),
        "{reason}"
    );
    let (worded, notice) = scene.notice(NoticeEvent::DeployFailed, &service.id).await;
    assert_eq!(notice.facts.reason.as_deref(), Some(reason.as_str()));
    assert!(
        notice.facts.environment.is_some() && notice.facts.all.is_some(),
        "{notice:?}"
    );
    assert!(notice.facts.ok < notice.facts.all, "{notice:?}");
    assert!(notice.offers.contains(&Verb::Rollback), "{notice:?}");
    assert!(worded.title.contains(&service.name), "{worded:?}");
    assert_eq!(deploys(&scene, &service).await[0].result.as_deref(), Some("failed"));

    let plan = scene.plan(order(&service, Verb::Rollback)).await;
    assert!(plan.refused.is_none(), "{plan:?}");
    let back = scene.run(&plan).await;
    let task = scene
        .until_task("rolled back", back, |task| {
            matches!(task.state, TaskState::Failed | TaskState::Done)
        })
        .await;
    assert_eq!(task.state, TaskState::Done, "{task:?}");
    let now = scene
        .until("the old image runs", |picture| {
            picture.items.iter().find_map(|item| match item.as_ref() {
                Item::Service(now) if now.id == service.id && now.image == service.image => Some(now.clone()),
                _ => None,
            })
        })
        .await;
    assert_eq!(now.scale, service.scale);
    scene
        .until_task("the upgrade is over", id, |task| task.state == TaskState::Superseded)
        .await;
    let entries = journal(&scene).await;
    let entry = |id: i64| entries.iter().find(|entry| entry.id == id).unwrap();
    assert_eq!(
        (entry(back).verb, entry(back).result.as_str()),
        (Verb::Rollback, "done")
    );
    assert!(entry(back).ended_at.is_some() && entry(id).ended_at.is_some());
    assert_eq!(
        deploys(&scene, &service).await[0].result.as_deref(),
        Some("rolled_back")
    );
    let actions = written(&scene);
    let count = |action: &str| actions.iter().filter(|path| path.ends_with(action)).count();
    assert_eq!(
        (count("action=upgrade"), count("action=rollback")),
        (1, 1),
        "{actions:?}"
    );
    scene.core.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_taken_back_in_time_never_left() {
    let scene = scene(0.0).await;
    let service = scene.deployable().await;
    let plan = scene.plan(order(&service, Verb::Redeploy)).await;
    let act = Act::Run {
        order: plan.order.clone(),
        token: plan.token.clone(),
        hold: true,
    };
    let Ok(Answer::Task(id)) = scene.session.act(act).await else {
        panic!("held")
    };
    scene
        .until_task("held", id, |task| matches!(task.state, TaskState::Held { .. }))
        .await;
    scene.session.act(Act::Undo { task: id }).await.unwrap();
    scene
        .until_task("undone", id, |task| task.state == TaskState::Undone)
        .await;
    // Longer than it would have been held back.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(written(&scene), [] as [&str; 0]);
    assert_eq!(journal(&scene).await[0].result, "undone");
    scene.core.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_outlives_kopi_is_picked_up_and_ended() {
    let mut scene = scene(1.0).await;
    let service = scene.deployable().await;
    let plan = scene.plan(order(&service, Verb::Redeploy)).await;
    let id = scene.run(&plan).await;
    scene
        .until_task("watching", id, |task| task.state == TaskState::Watching)
        .await;
    scene.restart().await;
    scene.until_live().await;
    assert!(journal(&scene).await[0].ended_at.is_none(), "still under way");
    scene.office.handle().set_speed(60.0);
    let task = scene
        .until_task("done", id, |task| {
            matches!(task.state, TaskState::Done | TaskState::Failed)
        })
        .await;
    assert_eq!(task.state, TaskState::Done, "{task:?}");
    let entries = journal(&scene).await;
    assert_eq!(
        (entries.len(), entries[0].id, entries[0].result.as_str()),
        (1, id, "done")
    );
    assert_eq!(deploys(&scene, &service).await[0].result.as_deref(), Some("live"));
    scene.notice(NoticeEvent::Deployed, &service.id).await;
    let actions = written(&scene);
    assert_eq!(
        actions.iter().filter(|path| path.ends_with("action=upgrade")).count(),
        1,
        "{actions:?}"
    );
    scene.core.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_of_drones_is_told_with_the_build_that_made_it() {
    let mut scene = scene(60.0).await;
    let (repo, branch) = scene
        .until("a line that ends at a service", |picture| {
            picture.items.iter().find_map(|item| match item.as_ref() {
                Item::Line(line) if line.service.is_some() && line.branch == "develop" => {
                    Some((line.repo.clone(), line.branch.clone()))
                }
                _ => None,
            })
        })
        .await;
    let pushed = scene
        .office
        .handle()
        .push(Wanted {
            repo,
            branch,
            author: "chenjing".into(),
            message: "Show the trend".into(),
            ..Wanted::default()
        })
        .await
        .unwrap();
    let build = scene
        .until("the build", |picture| {
            picture.items.iter().find_map(|item| match item.as_ref() {
                Item::Build(build) if build.sha == pushed.sha => Some(build.id.clone()),
                _ => None,
            })
        })
        .await;
    let task = scene
        .until("its deploy", |picture| {
            let by = build.to_string();
            picture.tasks.iter().find(|task| task.id < 0 && task.by == by).cloned()
        })
        .await;
    let (_, notice) = scene.notice(NoticeEvent::Deployed, &task.target).await;
    assert_eq!(notice.facts.ok, notice.facts.all);
    assert!(
        notice.facts.environment.is_some() && notice.facts.number.is_some(),
        "{notice:?}"
    );
    assert_eq!(notice.subject, task.target_name);
    scene.core.stop("test").await;
}
