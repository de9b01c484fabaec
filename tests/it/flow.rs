//! From a server's bytes to what a person is told, and back out as an action: the office's servers, real sources, the
//! core, a store on disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kopi_core::{
    Core, CoreConnection, CoreHandle, CoreParts, CoreSettings, Face, Machine, NoDesk, Paths, Session, StoreRecords,
    Teller,
};
use kopi_feed::source::BoxFuture;
use kopi_feed::{ConnectionSettings, Secret, TlsSettings};
use kopi_model::item::UpgradePhase;
use kopi_model::wire::{Act, Answer, ConnectionState, Query, Snapshot, Task, TaskState};
use kopi_model::{BuildStatus, Item, Notice, NoticeEvent, Order, Plan, Service, Timestamp, Verb};
use kopi_notify::{Lang, Worded};
use kopi_office::{Office, OfficeOptions, Size, Wanted};
use tokio::sync::mpsc;

/// Hands every notice to the test.
struct Told(mpsc::UnboundedSender<(Worded, Notice)>);

impl Teller for Told {
    fn tell(&self, worded: Worded, notice: Notice) -> BoxFuture<'_, ()> {
        self.0.send((worded, notice)).ok();
        Box::pin(async {})
    }
}

pub(crate) struct Scene {
    pub(crate) office: Office,
    pub(crate) core: CoreHandle,
    pub(crate) session: Session,
    pub(crate) told: mpsc::UnboundedReceiver<(Worded, Notice)>,
    folder: tempfile::TempDir,
}

fn connection(name: &str, url: &str, secrets: &[(&str, &str)], fields: &[(&str, &str)]) -> CoreConnection {
    CoreConnection::new(ConnectionSettings {
        name: name.into(),
        kind: name.to_owned(),
        url: url.parse().unwrap(),
        fields: fields
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        secrets: secrets
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect::<BTreeMap<_, _>>(),
        tls: TlsSettings::default(),
        production: Vec::new(),
    })
}

pub(crate) async fn scene(speed: f64) -> Scene {
    kopi_feed::tls::install_provider();
    let office = Office::start(OfficeOptions {
        speed,
        size: Size::Small,
        ..OfficeOptions::new(Timestamp::now())
    })
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (core, session, told) = core_on(&office, &folder).await;
    let scene = Scene {
        office,
        core,
        session,
        told,
        folder,
    };
    scene.until_live().await;
    scene
}

/// A core on the office's servers with its store in that folder.
async fn core_on(
    office: &Office,
    folder: &tempfile::TempDir,
) -> (CoreHandle, Session, mpsc::UnboundedReceiver<(Worded, Notice)>) {
    let servers = &office.address().servers;
    let paths = Paths::in_home(folder.path());
    let records = StoreRecords::open(&paths.database, Timestamp::now()).await.unwrap();
    let mut settings = CoreSettings {
        connections: vec![
            connection("drone", &servers.drone.url, &[("token", &servers.drone.token)], &[]),
            connection(
                "rancher",
                &servers.rancher.url,
                &[("secret_key", &servers.rancher.secret_key)],
                &[("access_key", &servers.rancher.access_key)],
            ),
        ],
        paths,
        ..CoreSettings::default()
    };
    settings.settings.mine_loud_only = false;
    let (sender, told) = mpsc::unbounded_channel();
    let core = Core::start(CoreParts {
        settings,
        kinds: kopi_sources::all(),
        records: Arc::new(records),
        teller: Arc::new(Told(sender)),
        desk: Arc::new(NoDesk),
        machine: Machine::real(),
    })
    .await;
    let (session, _) = core.session(Face::acting("cli"));
    (core, session, told)
}

impl Scene {
    /// Kopi ends and comes back on the same store.
    pub(crate) async fn restart(&mut self) {
        self.core.stop("restart").await;
        (self.core, self.session, self.told) = core_on(&self.office, &self.folder).await;
    }

    pub(crate) async fn until_live(&self) {
        self.until("both live", |picture| {
            picture
                .connections
                .iter()
                .all(|health| health.state == ConnectionState::Live && !health.scopes.is_empty())
                .then_some(())
        })
        .await;
    }

    pub(crate) async fn until<T>(&self, what: &str, look: impl Fn(&Snapshot) -> Option<T>) -> T {
        let mut changed = self.core.changed();
        let wait = async {
            loop {
                if let Some(found) = look(&self.core.picture()) {
                    return found;
                }
                changed.changed().await.expect("the core lives");
            }
        };
        let found = tokio::time::timeout(Duration::from_mins(1), wait).await;
        found.unwrap_or_else(|_| {
            let picture = self.core.picture();
            panic!("never came: {what}\n{:#?}\n{:#?}", picture.connections, picture.tasks)
        })
    }

    pub(crate) async fn notice(&mut self, event: NoticeEvent, about: &kopi_model::ItemId) -> (Worded, Notice) {
        let wait = async {
            loop {
                let told = self.told.recv().await.expect("the core lives");
                if told.1.event == event && told.1.item.as_ref() == Some(about) {
                    return told;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), wait)
            .await
            .unwrap_or_else(|_| panic!("never told: {event:?}"))
    }

    pub(crate) async fn plan(&self, order: Order) -> Plan {
        match self.session.query(Query::Plan { order }).await {
            Ok(Answer::Plan(plan)) => *plan,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn run(&self, plan: &Plan) -> i64 {
        let act = Act::Run {
            order: plan.order.clone(),
            token: plan.token.clone(),
            hold: false,
        };
        match self.session.act(act).await {
            Ok(Answer::Task(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn until_task(&self, what: &str, id: i64, is_so: impl Fn(&Task) -> bool) -> Task {
        self.until(what, |picture| {
            picture.tasks.iter().find(|task| task.id == id && is_so(task)).cloned()
        })
        .await
    }

    /// A service that can be deployed now, outside production.
    pub(crate) async fn deployable(&self) -> Service {
        self.until("a service at rest", |picture| {
            let production = |id: &kopi_model::ItemId| {
                picture.items.iter().any(|item| match item.as_ref() {
                    Item::Environment(environment) => environment.id == *id && environment.production,
                    _ => false,
                })
            };
            picture.items.iter().find_map(|item| match item.as_ref() {
                Item::Service(service)
                    if service.phase == UpgradePhase::None
                        && !service.system
                        && service.offers.contains(&Verb::Redeploy)
                        && !production(&service.environment) =>
                {
                    Some(service.clone())
                }
                _ => None,
            })
        })
        .await
    }
}

pub(crate) fn order(service: &Service, verb: Verb) -> Order {
    Order {
        target: service.id.clone(),
        verb,
        tag: None,
        scale: None,
        environment: None,
        strategy: None,
        based_on: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_that_fails_is_a_row_a_notice_in_both_languages_and_a_patch() {
    let mut scene = scene(60.0).await;
    let repo = scene
        .until("a build", |picture| {
            picture.items.iter().find_map(|item| match item.as_ref() {
                Item::Build(build)
                    // `api` waits for a person on its main branch.
                    if build.event == "push" && build.status == BuildStatus::Passed && !build.repo.ends_with("/api") =>
                {
                    Some((build.repo.clone(), build.branch.clone()))
                }
                _ => None,
            })
        })
        .await;
    let pushed = scene
        .office
        .handle()
        .push(Wanted {
            repo: repo.0.clone(),
            branch: repo.1.clone(),
            author: "sunyue".into(),
            message: "Count the cups".into(),
            fails: Some(String::new()),
            ..Wanted::default()
        })
        .await
        .unwrap();
    let build = scene
        .until("the build fails", |picture| {
            picture.items.iter().find_map(|item| match item.as_ref() {
                Item::Build(build) if build.sha == pushed.sha && build.status == BuildStatus::Failed => {
                    Some(build.clone())
                }
                _ => None,
            })
        })
        .await;
    let (worded, notice) = loop {
        let told = scene.told.recv().await.unwrap();
        if told.1.item.as_ref() == Some(&build.id) && told.1.event != NoticeEvent::Started {
            break told;
        }
    };
    assert!(matches!(notice.event, NoticeEvent::Broken | NoticeEvent::StillBroken));
    assert!(
        worded.title.contains(&build.repo) || worded.title.contains("broken"),
        "{worded:?}"
    );
    let chinese = kopi_notify::word(&notice, Lang::Zh, &jiff::tz::TimeZone::UTC);
    assert_ne!(chinese.title, worded.title);
    assert!(chinese.body.contains("Count the cups"), "{chinese:?}");
    // The row is written by the time the disk had its turn.
    tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let ask = Query::History {
                repo: Some(build.repo.clone()),
                branch: None,
                before: None,
                limit: 50,
            };
            let Ok(Answer::Builds(rows)) = scene.session.query(ask).await else {
                panic!("the history")
            };
            if rows
                .iter()
                .any(|row| row.id == build.id && row.status == BuildStatus::Failed)
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a row in the history");
    scene.core.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redeploy_is_verified_on_a_real_protocol_and_written_down() {
    let mut scene = scene(60.0).await;
    let service = scene.deployable().await;
    let plan = scene.plan(order(&service, Verb::Redeploy)).await;
    assert!(plan.refused.is_none(), "{plan:?}");
    assert!(
        plan.steps[0]
            .request
            .as_deref()
            .is_some_and(|request| request.ends_with("?action=upgrade"))
    );
    let id = scene.run(&plan).await;
    let task = scene
        .until_task("done", id, |task| {
            matches!(task.state, TaskState::Done | TaskState::Failed)
        })
        .await;
    assert_eq!(task.state, TaskState::Done, "{task:?}");
    let (_, notice) = scene.notice(NoticeEvent::Deployed, &service.id).await;
    assert_eq!(notice.facts.ok, notice.facts.all);
    let Ok(Answer::Journal(entries)) = scene.session.query(Query::Journal { before: None, limit: 5 }).await else {
        panic!("the journal")
    };
    assert_eq!((entries[0].id, entries[0].result.as_str()), (id, "done"));
    let ask = Query::Deploys {
        service: Some(service.id.clone()),
        limit: 5,
    };
    let Ok(Answer::Deploys(deploys)) = scene.session.query(ask).await else {
        panic!("the deploys")
    };
    assert_eq!(deploys[0].result.as_deref(), Some("live"));
    let truth = scene.office.handle().truth().await.unwrap();
    let theirs = truth
        .services
        .iter()
        .find(|theirs| theirs.id == service.id.native())
        .unwrap();
    assert_eq!(theirs.state, "active", "finished by itself");
    scene.core.stop("test").await;
}
