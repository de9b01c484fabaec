//! This user's Kopi on this machine: its places, its configuration, its core.
//!
//! Refuses: a second core. Who finds one running attaches to it.

use std::sync::Arc;
use std::time::Duration;

use kopi_core::config::{ConfigDesk, KeptConfig};
use kopi_core::socket::{LockError, host, take_lock};
use kopi_core::{
    Core, CoreHandle, CoreParts, CoreSettings, Desk, Machine, NoRecords, Paths, Records, Silent, StoreRecords,
};
use kopi_model::ItemId;
use kopi_model::wire::{Act, ApiError, ErrorCode, Snapshot};
use kopi_notify::Lang;
use tokio_util::sync::CancellationToken;

use crate::args::{AgentArguments, Common, ServeArguments};
use crate::demo::Office;
use crate::print::{Exit, Printer};
use crate::reach::Reach;
use crate::serve::{self, Backend};

/// A server that does not answer within this is told as such.
const READING: Duration = Duration::from_secs(20);

/// Words about what is done, on stderr, when asked for.
pub(crate) fn log_to_stderr(common: &Common) {
    let filter = match std::env::var("KOPI_LOG") {
        Ok(filter) => filter,
        Err(_) if common.verbose => "info,kopi=debug".to_owned(),
        Err(_) => "error,kopi_core=warn,kopi=warn".to_owned(),
    };
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_default();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
}

/// The language: said, else the system's.
pub(crate) fn lang(said: Option<&str>) -> Lang {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    Lang::choose(said.unwrap_or(""), locale.as_deref())
}

/// Where this user's Kopi keeps its things.
pub(crate) fn paths(common: &Common) -> Result<Paths, ApiError> {
    let mut paths = Paths::of_user(common.home.clone(), &|name| std::env::var_os(name)).ok_or_else(|| {
        ApiError::new(ErrorCode::Config, "the system names no home folder").hint("say where: --home DIR or KOPI_HOME")
    })?;
    if let Some(config) = &common.config {
        paths.config.clone_from(config);
    }
    Ok(paths)
}

/// The configuration as it is now; a broken file is an error with its place.
fn settings(common: &Common) -> Result<CoreSettings, ApiError> {
    KeptConfig::load(&paths(common)?, kopi_sources::all()).map(|config| config.settings())
}

/// All servers, read once.
pub(crate) async fn read_once(common: &Common) -> Result<Snapshot, ApiError> {
    let mut settings = settings(common)?;
    if !common.connections.is_empty() {
        settings.connections.retain(|connection| {
            common
                .connections
                .iter()
                .any(|name| name == connection.source.name.as_str())
        });
    }
    Ok(kopi_core::read_once(settings, kopi_sources::all(), Machine::real(), READING).await)
}

/// The running core, else one of our own for as long as the command runs.
pub(crate) async fn reach(common: &Common) -> Result<Reach, ApiError> {
    let paths = paths(common)?;
    if let Some(reach) = Reach::running(&paths).await? {
        return Ok(reach);
    }
    let own = own(common, &paths, false).await?;
    own.core.settled(READING).await;
    Ok(Reach::own(own))
}

/// A core of this process, the lock held: it ends with it.
pub(crate) struct Own {
    pub(crate) core: CoreHandle,
    hosted: Option<kopi_core::socket::Hosted>,
}

impl Own {
    /// Ends it in order.
    pub(crate) async fn stop(self) {
        self.core.stop("command_over").await;
        drop(self.hosted);
    }
}

async fn own(common: &Common, paths: &Paths, attachable: bool) -> Result<Own, ApiError> {
    let lock = take_lock(paths).map_err(|error| lock_error(&error))?;
    let config = KeptConfig::load(paths, kopi_sources::all())?;
    let desk = Arc::new(ConfigDesk::new(config, Box::new(Office::default())));
    let mut settings = desk.settings();
    if !common.connections.is_empty() && !attachable {
        settings.connections.retain(|connection| {
            common
                .connections
                .iter()
                .any(|name| name == connection.source.name.as_str())
        });
    }
    let core = Core::start(CoreParts {
        settings,
        kinds: kopi_sources::all(),
        records: records(paths).await,
        teller: Arc::new(Silent),
        desk: desk.clone(),
        machine: Machine::real(),
    })
    .await;
    let hosted = if attachable {
        desk.started(&core);
        Some(host(&core, paths, lock).map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?)
    } else {
        None
    };
    Ok(Own { core, hosted })
}

fn lock_error(error: &LockError) -> ApiError {
    ApiError::new(ErrorCode::AlreadyRunning, error.to_string())
}

/// The store; one that cannot be used is said and done without, so that the servers are still shown.
async fn records(paths: &Paths) -> Arc<dyn Records> {
    match StoreRecords::open(&paths.database, jiff::Timestamp::now()).await {
        Ok(records) => Arc::new(records),
        Err(error) => {
            eprintln!("kopi: {}", error.message);
            if let Some(hint) = &error.hint {
                eprintln!("  {hint}");
            }
            Arc::new(NoRecords)
        }
    }
}

/// Hosts the core with tray and notices until told to end; a second start raises the first.
pub(crate) async fn agent(common: &Common, arguments: &AgentArguments) -> Result<Exit, ApiError> {
    let paths = paths(common)?;
    let show = arguments
        .show
        .as_deref()
        .map(|text| ItemId::from(text.trim_start_matches("kopi://item/")));
    let failed = |error: anyhow::Error| ApiError::new(ErrorCode::Internal, format!("{error:#}"));
    let lock = match take_lock(&paths) {
        Ok(lock) => lock,
        Err(LockError::Held { .. }) => {
            crate::agent::raise_running(&paths, show).await.map_err(failed)?;
            return Ok(Exit::Fine);
        }
        Err(error) => return Err(lock_error(&error)),
    };
    let config = KeptConfig::load_or_default(&paths, kopi_sources::all());
    let desk = Arc::new(ConfigDesk::new(config, Box::new(Office::default())));
    if arguments.demo {
        desk.act(Act::Demo { on: true }).await?;
    }
    let started = desk.clone();
    crate::agent::run(crate::agent::AgentParts {
        lock,
        settings: desk.settings(),
        kinds: kopi_sources::all(),
        records: records(&paths).await,
        config: desk,
        started: Box::new(move |core| started.started(core)),
        hidden: arguments.hidden,
        show,
    })
    .await
    .map_err(failed)?;
    Ok(Exit::Fine)
}

/// The page in a browser, until interrupted.
pub(crate) async fn serve(common: &Common, arguments: &ServeArguments, printer: Printer) -> Result<Exit, ApiError> {
    let paths = paths(common)?;
    let own = match Reach::running(&paths).await? {
        Some(_) => None,
        None => Some(own(common, &paths, true).await?),
    };
    if let (Some(own), true) = (&own, arguments.demo) {
        let (session, _frames) = own.core.session(kopi_core::Face::acting("cli"));
        session.act(Act::Demo { on: true }).await?;
    }
    let backend = own
        .as_ref()
        .map_or(Backend::Attached(paths.clone()), |own| Backend::Own(own.core.clone()));
    let stop = CancellationToken::new();
    let page = serve::listen(arguments.port, backend, arguments.allow_actions, stop.clone())
        .await
        .map_err(|error| {
            ApiError::new(
                ErrorCode::BadRequest,
                format!("listen on 127.0.0.1:{}: {error}", arguments.port),
            )
            .hint("another --port, or none for a free one")
        })?;
    let opener = serve::write_opener(&paths, &page.secret_address)
        .map_err(|error| ApiError::new(ErrorCode::Internal, format!("write the page's address: {error}")))?;
    if printer.json {
        printer.object(
            &serde_json::json!({ "version": 1, "address": format!("http://{}/", page.address), "open": opener }),
        );
    } else {
        printer.line(&format!("http://{}/", page.address));
        printer.progress(&format!(
            "{} {}",
            printer
                .lang
                .pick("open this file in a browser:", "用浏览器打开这个文件："),
            opener.display()
        ));
    }
    if !arguments.no_open {
        serve::open_in_browser(&opener);
    }
    let ended = own.as_ref().map(|own| own.core.ended());
    let served = tokio::spawn(page.serve());
    tokio::select! {
        _ = served => {}
        () = async { match ended { Some(ended) => ended.cancelled().await, None => std::future::pending().await } } => {}
        () = interrupted() => {}
    }
    stop.cancel();
    if let Some(own) = own {
        own.stop().await;
    }
    std::fs::remove_file(opener).ok();
    Ok(Exit::Fine)
}

/// SIGINT or SIGTERM (Ctrl+C elsewhere).
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminated), Ok(mut interrupted)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
            return;
        }
    }
    tokio::signal::ctrl_c().await.ok();
}

/// The simulated company, until interrupted.
pub(crate) async fn office(arguments: kopi_office::OfficeArgs) -> Result<Exit, ApiError> {
    kopi_office::command(&arguments, jiff::Timestamp::now(), &mut std::io::stdout())
        .await
        .map_err(|error| ApiError::new(ErrorCode::BadRequest, error.to_string()))?;
    Ok(Exit::Fine)
}
