//! What the core is handed by the program that hosts it: someone who tells notices and a desk for what only the host
//! can do. Both may be absent: the core works without a desktop.

use kopi_feed::source::BoxFuture;
use kopi_model::wire::{Act, Answer, ApiError, ErrorCode, Query};
use kopi_model::{ItemId, Notice};
use kopi_notify::Worded;

/// Shows a notice. Called by a task of its own, one at a time; may take its time. Clicks come back as [`Act`].
pub trait Teller: Send + Sync {
    /// Shows it.
    fn tell(&self, worded: Worded, notice: Notice) -> BoxFuture<'_, ()>;

    /// The desktop shows buttons; none while unknown.
    fn shows_buttons(&self) -> Option<bool> {
        None
    }
}

/// Shows nothing; the inbox gets every notice all the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Teller for Silent {
    fn tell(&self, _: Worded, _: Notice) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// What only the host can do: write `kopi.toml`, keep secrets, start the office, switch autostart, raise the window.
pub trait Desk: Send + Sync {
    /// Settings, Found and ConfigCheck; other queries never come here.
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, ApiError>>;

    /// Set, AddConnections, ChangeSecret, RemoveConnection, Demo, Autostart; other acts never come here. When it
    /// changed the configuration, the host tells the core the new settings by `CoreHandle::settings_changed`.
    fn act(&self, act: Act) -> BoxFuture<'_, Result<Answer, ApiError>>;

    /// Makes of what a person typed the settings a source is made with, without keeping anything ("test connection").
    fn try_out(
        &self,
        connection: kopi_model::wire::NewConnection,
    ) -> BoxFuture<'_, Result<kopi_feed::ConnectionSettings, ApiError>>;

    /// Opens the window, when no face that can show an item is attached.
    fn raise(&self, item: Option<ItemId>, log: bool) -> BoxFuture<'_, Result<(), ApiError>>;

    /// Starts with the session.
    fn autostart(&self) -> bool {
        false
    }

    /// There is a tray host to show the icon; none while unknown.
    fn tray(&self) -> Option<bool> {
        None
    }

    /// A person said quit: stop the core (`CoreHandle::stop`, which says goodbye to the faces), then the process.
    fn quit(&self) {}
}

/// A host that can do nothing of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDesk;

fn not_here() -> ApiError {
    ApiError::new(ErrorCode::NotAllowedHere, "this needs the agent or the window to run")
}

impl Desk for NoDesk {
    fn query(&self, _: Query) -> BoxFuture<'_, Result<Answer, ApiError>> {
        Box::pin(async { Err(not_here()) })
    }

    fn act(&self, _: Act) -> BoxFuture<'_, Result<Answer, ApiError>> {
        Box::pin(async { Err(not_here()) })
    }

    fn try_out(
        &self,
        _: kopi_model::wire::NewConnection,
    ) -> BoxFuture<'_, Result<kopi_feed::ConnectionSettings, ApiError>> {
        Box::pin(async { Err(not_here()) })
    }

    fn raise(&self, _: Option<ItemId>, _: bool) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async { Err(not_here()) })
    }
}
