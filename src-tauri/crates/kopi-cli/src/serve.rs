//! `kopi serve`: the window's page in a browser (design § 3). Files are public and hold no data; everything else goes
//! through one socket whose first frame carries a session token, exchanged once for the one-time token of the address.
//!
//! Refuses: listening anywhere but on 127.0.0.1, other Hosts and Origins, cookies, acting unless told so.

mod files;
mod guard;
mod socket;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, post};
use kopi_core::{CoreHandle, Paths};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use guard::Tokens;

/// Where sessions come from.
#[derive(Clone)]
pub(crate) enum Backend {
    /// The running core.
    Attached(Paths),
    /// Our own.
    Own(CoreHandle),
}

/// What every route knows.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) tokens: Tokens,
    pub(crate) backend: Backend,
    pub(crate) may_act: bool,
    pub(crate) stop: CancellationToken,
}

/// A listening page.
pub(crate) struct Page {
    pub(crate) address: SocketAddr,
    /// The address with the one-time token: for the 0600 file only, since command lines are public.
    pub(crate) secret_address: String,
    listener: TcpListener,
    served: Arc<Served>,
}

/// Listens on 127.0.0.1.
pub(crate) async fn listen(
    port: u16,
    backend: Backend,
    may_act: bool,
    stop: CancellationToken,
) -> std::io::Result<Page> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    let (tokens, once) = Tokens::new();
    let served = Arc::new(Served {
        address,
        tokens,
        backend,
        may_act,
        stop,
    });
    Ok(Page {
        address,
        secret_address: format!("http://{address}/#token={once}"),
        listener,
        served,
    })
}

impl Page {
    /// Serves until stopped.
    pub(crate) async fn serve(self) -> std::io::Result<()> {
        let stop = self.served.stop.clone();
        axum::serve(self.listener, router(self.served))
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
    }
}

/// A file of this user's alone that leads a browser to the page: command lines can be read by everybody, it cannot.
pub(crate) fn write_opener(paths: &Paths, secret_address: &str) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(&paths.runtime)?;
    let place = paths.runtime.join(format!("open-{}.html", std::process::id()));
    std::fs::remove_file(&place).ok();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&place)?;
    let page =
        format!("<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={secret_address}\"><title>Kopi</title>\n");
    file.write_all(page.as_bytes())?;
    Ok(place)
}

/// Asks the system to show it; where nothing answers, the printed path is enough.
pub(crate) fn open_in_browser(opener: &Path) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let quiet = std::process::Stdio::null;
    std::process::Command::new(program)
        .arg(opener)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .spawn()
        .ok();
}

fn router(served: Arc<Served>) -> Router {
    Router::new()
        .route("/session", post(guard::exchange))
        .route("/socket", any(socket::open))
        .fallback(files::file)
        .layer(DefaultBodyLimit::max(4096))
        .layer(from_fn_with_state(served.clone(), guard::check))
        .with_state(served)
}
