//! The agent as the core's desk: it opens the window, switches autostart, knows the tray, ends the process. What concerns
//! the configuration goes on to who keeps it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use kopi_core::desktop::autostart::Autostart;
use kopi_core::{CoreHandle, Desk, Paths};
use kopi_feed::ConnectionSettings;
use kopi_feed::source::BoxFuture;
use kopi_model::ItemId;
use kopi_model::wire::{Act, Answer, ApiError, ErrorCode, NewConnection, Query};
use tokio::sync::{Notify, watch};

use super::window::WindowOpener;

/// The desk.
pub struct AgentDesk {
    config: Arc<dyn Desk>,
    window: WindowOpener,
    autostart: Option<Autostart>,
    core: OnceLock<CoreHandle>,
    tray: OnceLock<watch::Receiver<Option<bool>>>,
    quit: Notify,
}

impl AgentDesk {
    /// `config` keeps `kopi.toml`.
    pub fn new(paths: &Paths, config: Arc<dyn Desk>) -> Self {
        Self {
            config,
            window: WindowOpener::new(&paths.runtime),
            autostart: autostart(),
            core: OnceLock::new(),
            tray: OnceLock::new(),
            quit: Notify::new(),
        }
    }

    /// The core this desk belongs to.
    pub fn started(&self, core: &CoreHandle) {
        // Once, by construction: the second start of one agent does not exist.
        let _ = self.core.set(core.clone());
    }

    /// Where the tray says whether it is shown.
    pub fn tray_is(&self, online: watch::Receiver<Option<bool>>) {
        let _ = self.tray.set(online);
    }

    /// Returns when a person said quit.
    pub async fn quits(&self) {
        self.quit.notified().await;
    }
}

impl Desk for AgentDesk {
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, ApiError>> {
        self.config.query(query)
    }

    fn act(&self, act: Act) -> BoxFuture<'_, Result<Answer, ApiError>> {
        match act {
            Act::Autostart { on } => Box::pin(async move { self.switch_autostart(on) }),
            act => self.config.act(act),
        }
    }

    fn try_out(&self, connection: NewConnection) -> BoxFuture<'_, Result<ConnectionSettings, ApiError>> {
        self.config.try_out(connection)
    }

    fn raise(&self, item: Option<ItemId>, log: bool) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async move { self.window.raise(self.core.get(), item, log) })
    }

    fn autostart(&self) -> bool {
        self.autostart.as_ref().is_some_and(Autostart::is_on)
    }

    fn tray(&self) -> Option<bool> {
        self.tray.get().and_then(|online| *online.borrow())
    }

    fn quit(&self) {
        self.quit.notify_one();
    }
}

impl AgentDesk {
    fn switch_autostart(&self, on: bool) -> Result<Answer, ApiError> {
        let Some(autostart) = &self.autostart else {
            return Err(ApiError::new(
                ErrorCode::NotSupported,
                "switch autostart: there is no home folder",
            ));
        };
        autostart
            .switch(on)
            .map(|()| Answer::Done)
            .map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))
    }
}

fn autostart() -> Option<Autostart> {
    let home = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")))?;
    Some(Autostart::new(
        &home,
        std::env::current_exe().ok()?,
        &["agent", "--hidden"],
    ))
}
