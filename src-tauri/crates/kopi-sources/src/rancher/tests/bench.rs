//! A small company on a fake Cattle server behind a real socket, and a source that watches it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kopi_feed::{Clock, ConnectionSettings, Cx, FeedError, Note, Outbox, Secret, Source, SourceMessage, TlsSettings};
use kopi_model::{ConnectionName, Event, Item, ItemId, Order, Verb};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::fault::{FaultSwitch, serve};
use crate::rancher::fake::{FakeCattle, NewHost, NewService, Pace, Role, Shape};

pub(super) const ACCESS: &str = "0123456789ABCDEF0123";
pub(super) const SECRET: &str = "a-secret-key-that-must-not-be-seen";
pub(super) const READER: &str = "READER00000000000000";

pub(super) struct Company {
    pub(super) cattle: FakeCattle,
    pub(super) faults: FaultSwitch,
    pub(super) url: Url,
    pub(super) dev: String,
    pub(super) production: String,
    pub(super) web: String,
    pub(super) host: String,
    _stop: DropGuard,
}

pub(super) fn start_of_day() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().expect("a test's date")
}

impl Company {
    pub(super) async fn start() -> Self {
        kopi_feed::install_provider();
        let cattle = FakeCattle::new(start_of_day(), Pace::default(), 42);
        let dev = cattle.create_project("dev");
        let production = cattle.create_project("production");
        cattle.create_project_of("kube", "kubernetes");
        let mut host = String::new();
        for project in [&dev, &production] {
            for number in 1..=3 {
                host = cattle.create_host(
                    project,
                    &NewHost::new(&format!("host-{number}"), &format!("10.0.0.{number}")),
                );
            }
        }
        let core = cattle.create_stack(&dev, "core", false);
        let infra = cattle.create_stack(&dev, "infra", true);
        let live = cattle.create_stack(&production, "core", false);
        let web = NewService::new("web", "harbor.company.com/ihealth/web:1.4.0")
            .scale(2)
            .checked(8080);
        let web = web
            .label("traefik.enable", "true")
            .environment("DB_PASSWORD", "never-to-be-shown")
            .port("8081:8080/tcp");
        let web = cattle.create_service(&core, &web).expect("the stack is there");
        let api = NewService::new("api", "harbor.company.com/ihealth/api:2.0.0")
            .scale(2)
            .sidekick("nginx", "nginx:1.25");
        cattle.create_service(&core, &api).expect("the stack is there");
        cattle
            .create_service(&core, &NewService::new("mail", "").of(Shape::External))
            .expect("the stack is there");
        let logs = NewService::new("logspout", "gliderlabs/logspout:v3").global();
        cattle.create_service(&infra, &logs).expect("the stack is there");
        cattle
            .create_service(
                &live,
                &NewService::new("web", "harbor.company.com/ihealth/web:1.3.0").scale(3),
            )
            .expect("there");
        cattle.environment_key(&dev, ACCESS, SECRET);
        cattle.account_key(
            "1a10",
            "Mona Member",
            &[(&dev, Role::Member), (&production, Role::Owner)],
            "MEMBER",
            SECRET,
        );
        cattle.account_key("1a11", "Rita Reader", &[(&dev, Role::Readonly)], READER, SECRET);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("bound"))
            .parse()
            .expect("an address");
        let (faults, stop) = (FaultSwitch::new(), CancellationToken::new());
        tokio::spawn(serve(cattle.router(), listener, faults.clone(), stop.clone()));
        tokio::spawn(
            cattle
                .clone()
                .run(Clock::tokio(start_of_day()), Duration::from_millis(250), stop.clone()),
        );
        Self {
            cattle,
            faults,
            url,
            dev,
            production,
            web,
            host,
            _stop: stop.drop_guard(),
        }
    }

    pub(super) fn settings_for(&self, access: &str) -> ConnectionSettings {
        ConnectionSettings {
            name: "rancher".into(),
            kind: "rancher".into(),
            url: self.url.clone(),
            fields: BTreeMap::from([("access_key".to_owned(), access.to_owned())]),
            secrets: BTreeMap::from([("secret_key".to_owned(), Secret::new(SECRET))]),
            tls: TlsSettings::default(),
            production: Vec::new(),
        }
    }

    pub(super) fn source(&self, access: &str) -> Arc<dyn Source> {
        (crate::rancher::kind().make)(&self.settings_for(access)).expect("usable settings")
    }

    pub(super) fn order(&self, verb: Verb) -> Order {
        Order {
            target: format!("service:rancher/{}", self.web).as_str().into(),
            verb,
            tag: None,
            scale: None,
            environment: None,
            strategy: None,
            based_on: None,
        }
    }
}

pub(super) fn context() -> (Cx, watch::Sender<bool>) {
    let (attended, receiver) = watch::channel(true);
    let cx = Cx {
        connection: "rancher".into(),
        stop: CancellationToken::new(),
        look_again: Arc::new(Notify::new()),
        clock: Clock::tokio(start_of_day()),
        attended: receiver,
    };
    (cx, attended)
}

/// What a watch has made known so far.
pub(super) struct Picture {
    pub(super) items: BTreeMap<String, Item>,
    pub(super) notes: Vec<Note>,
    pub(super) failed: Vec<String>,
    /// Events beside listings, as `verb id`.
    pub(super) told: Vec<String>,
    pub(super) listings: usize,
    open: BTreeMap<String, BTreeSet<String>>,
    inbox: mpsc::Receiver<(ConnectionName, SourceMessage)>,
    pub(super) watch: JoinHandle<Result<Infallible, FeedError>>,
    _attended: watch::Sender<bool>,
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl Picture {
    pub(super) fn of(source: &Arc<dyn Source>) -> Self {
        let (cx, attended) = context();
        let (sender, inbox) = mpsc::channel(4_096);
        let out = Outbox::new(cx.connection.clone(), sender);
        let source = source.clone();
        Self {
            items: BTreeMap::new(),
            notes: Vec::new(),
            failed: Vec::new(),
            told: Vec::new(),
            listings: 0,
            open: BTreeMap::new(),
            inbox,
            watch: tokio::spawn(async move { source.watch(cx, out).await }),
            _attended: attended,
        }
    }

    /// Waits until the picture is as wanted; says what it is when it does not become so.
    pub(super) async fn until(&mut self, what: &str, test: impl Fn(&Self) -> bool) {
        let reading = async {
            while !test(self) {
                match self.inbox.recv().await {
                    Some((_, message)) => self.take(message),
                    None => return false,
                }
            }
            true
        };
        let came = timeout(Duration::from_mins(15), reading).await;
        if came != Ok(true) {
            let states: Vec<String> = self.items.values().map(describe).collect();
            let ended = match came {
                Ok(_) => format!("{:?}", (&mut self.watch).await),
                Err(_) => "it goes on".into(),
            };
            panic!("{what} did not come to pass ({ended}): {states:#?} {:?}", self.failed);
        }
    }

    pub(super) async fn until_listed(&mut self) {
        self.until("a complete listing", |picture| {
            let settled = |note: &Note| matches!(note, Note::Streaming | Note::Polling { .. });
            picture.notes.iter().any(settled) && picture.open.is_empty()
        })
        .await;
    }

    fn take(&mut self, message: SourceMessage) {
        let event = match message {
            SourceMessage::Note(note) => return self.notes.push(note),
            SourceMessage::Event(event) => event,
        };
        match event {
            Event::Init { scope, .. } => drop(self.open.insert(scope.as_str().to_owned(), BTreeSet::new())),
            Event::Seen(item) => {
                let id = item.id().as_str().to_owned();
                self.open
                    .get_mut(item.scope().as_str())
                    .expect("inside a listing")
                    .insert(id.clone());
                self.items.insert(id, *item);
            }
            Event::InitDone(scope) => {
                self.listings += 1;
                let named = self.open.remove(scope.as_str()).expect("a listing that began");
                self.items
                    .retain(|id, item| *item.scope() != scope || named.contains(id));
            }
            Event::InitFailed { scope, why } => {
                self.open.remove(scope.as_str());
                self.failed.push(format!("{}: {why}", scope.as_str()));
            }
            Event::Upsert(item) => {
                self.told.push(format!("upsert {}", describe(&item)));
                self.items.insert(item.id().as_str().to_owned(), *item);
            }
            Event::Gone(id) => {
                self.told.push(format!("gone {id}"));
                self.items.remove(id.as_str());
            }
        }
    }

    pub(super) fn item(&self, id: &str) -> &Item {
        self.items
            .get(id)
            .unwrap_or_else(|| panic!("no {id} among {:?}", self.items.keys()))
    }

    pub(super) fn service(&self, native: &str) -> &kopi_model::Service {
        match self.item(&format!("service:rancher/{native}")) {
            Item::Service(service) => service,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn containers_of(&self, native: &str) -> Vec<&kopi_model::Container> {
        let id: ItemId = format!("service:rancher/{native}").into();
        let all = self.items.values().filter_map(|item| match item {
            Item::Container(container) if container.services.contains(&id) => Some(container),
            _ => None,
        });
        all.collect()
    }
}

/// One line about an item, for messages.
pub(super) fn describe(item: &Item) -> String {
    match item {
        Item::Service(row) => format!(
            "{} {}/{} {} {:?}",
            row.id, row.stack_name, row.name, row.server_state, row.status
        ),
        Item::Container(row) => format!("{} {} {} {:?}", row.id, row.name, row.server_state, row.status),
        Item::Host(row) => format!("{} {} {} {:?}", row.id, row.name, row.server_state, row.status),
        Item::Stack(row) => format!("{} {} {} {:?}", row.id, row.name, row.server_state, row.status),
        other => other.id().to_string(),
    }
}
