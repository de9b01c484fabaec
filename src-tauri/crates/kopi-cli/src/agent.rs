//! `kopi agent` (Linux): hosts the core, the tray and the notices; opens the window as a process of its own. Links
//! neither GTK nor WebKit, and survives whatever happens to a window.
//!
//! Refuses: configuration and store (handed in); drawing.

mod desk;
mod pictures;
mod tray;
mod window;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use kopi_core::desktop::{DesktopTeller, grant_all, tray_models};
use kopi_core::socket::{HostLock, attach, host};
use kopi_core::{Core, CoreHandle, CoreParts, CoreSettings, Desk, Machine, Paths, Records};
use kopi_feed::SourceKind;
use kopi_model::ItemId;
use kopi_model::wire::Act;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};

use desk::AgentDesk;
use tray::Tray;

/// Clicks that wait to be granted.
const CLICKS: usize = 16;
/// The picture on notices.
const ICON: &[u8] = include_bytes!("../../../../icons/app/128x128.png");

/// What an agent is made of.
pub struct AgentParts {
    /// Taken before anything else: two cores must not even begin.
    pub lock: HostLock,
    /// The configuration as it is.
    pub settings: CoreSettings,
    /// Kinds of sources there are.
    pub kinds: Vec<SourceKind>,
    /// What the core remembers.
    pub records: Arc<dyn Records>,
    /// Who keeps `kopi.toml`, secrets and the demo.
    pub config: Arc<dyn Desk>,
    /// Hears of the started core once, so that it can tell it new settings.
    pub started: Box<dyn FnOnce(&CoreHandle) + Send>,
    /// Do not open the window.
    pub hidden: bool,
    /// Open it on this item.
    pub show: Option<ItemId>,
}

/// Another agent hosts the core already: a second start raises its window.
///
/// # Errors
/// When the running core cannot be reached or is of another version, with what helps.
pub async fn raise_running(paths: &Paths, item: Option<ItemId>) -> anyhow::Result<()> {
    let show = async {
        let (client, _frames) = attach(paths, "cli").await?;
        client.act(Act::Show { item, log: false }).await
    };
    match show.await {
        Ok(_) => Ok(()),
        Err(error) => match error.hint {
            Some(hint) => anyhow::bail!("{}; {hint}", error.message),
            None => anyhow::bail!("{}", error.message),
        },
    }
}

/// Runs until somebody says quit, or the system does (SIGTERM, SIGINT).
///
/// # Errors
/// When the control socket cannot be opened.
pub async fn run(parts: AgentParts) -> anyhow::Result<()> {
    let paths = parts.settings.paths.clone();
    let machine = Machine::real();
    let locale = machine.locale.clone();
    let (click_tray, tray_clicks) = mpsc::channel(CLICKS);
    let (click_notice, notice_clicks) = mpsc::channel(CLICKS);
    let teller = Arc::new(DesktopTeller::new(icon_file(&paths), click_notice));
    let desk = Arc::new(AgentDesk::new(&paths, parts.config));
    let core = Core::start(CoreParts {
        settings: parts.settings,
        kinds: parts.kinds,
        records: parts.records,
        teller: teller.clone(),
        desk: desk.clone(),
        machine,
    })
    .await;
    (parts.started)(&core);
    desk.started(&core);
    let hosted = host(&core, &paths, parts.lock).context("host the core")?;
    let look_again = Arc::new(Notify::new());
    let mut models = tray_models(&core, locale, look_again.clone()).await;
    let first = models.borrow_and_update().clone();
    let mut tray = Tray::start(first, click_tray).await;
    desk.tray_is(tray.online());
    tokio::spawn(async move { teller.look().await });
    tokio::spawn(grant_all(core.clone(), "tray", tray_clicks, look_again.clone()));
    tokio::spawn(grant_all(core.clone(), "notification", notice_clicks, look_again));
    if !parts.hidden
        && let Err(error) = desk.raise(parts.show, false).await
    {
        tracing::warn!(message = %error.message, hint = ?error.hint, "the window did not open");
    }
    let mut terminated = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupted = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let ended = core.ended();
    let why = loop {
        tokio::select! {
            _ = terminated.recv() => break "quit",
            _ = interrupted.recv() => break "quit",
            () = desk.quits() => break "quit",
            () = ended.cancelled() => break "core_gone",
            changed = models.changed() => match changed {
                Ok(()) => {
                    let model = models.borrow_and_update().clone();
                    tray.show(model).await;
                }
                Err(_) => break "core_gone",
            },
        }
    };
    core.stop(why).await;
    tray.stop().await;
    drop(hosted);
    if why == "quit" {
        Ok(())
    } else {
        // The loop of the core ended by a fault: a non-zero end lets the window start a new agent.
        anyhow::bail!("the core ended by itself")
    }
}

/// Notices want their picture as a file or as a name in a theme; a program that was not installed has no name there.
fn icon_file(paths: &Paths) -> String {
    let place: PathBuf = paths.runtime.join("kopi.png");
    match std::fs::write(&place, ICON) {
        Ok(()) => place.display().to_string(),
        Err(_) => "kopi".to_owned(),
    }
}
