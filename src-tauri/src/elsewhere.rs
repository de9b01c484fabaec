//! macOS, Windows: this process hosts the core and its tray; closing the window destroys the web view and nothing else.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use kopi_core::config::{ConfigDesk, KeptConfig};
use kopi_core::desktop::autostart::Autostart;
use kopi_core::desktop::{DesktopTeller, grant_all, tray_models};
use kopi_core::socket::{LockError, attach, host, take_lock};
use kopi_core::{Core, CoreHandle, CoreParts, Desk, Machine, NoRecords, Paths, Records, StoreRecords};
use kopi_feed::ConnectionSettings;
use kopi_feed::source::BoxFuture;
use kopi_model::ItemId;
use kopi_model::wire::{Act, Answer, ApiError, ErrorCode, NewConnection, Query};
use tauri::{AppHandle, RunEvent};
use tokio::sync::{Notify, mpsc};

use crate::demo::Office;
use crate::line::{Line, hosted};
use crate::page::Page;
use crate::{Arguments, open_window, shell, tray};

/// Clicks that wait to be granted.
const CLICKS: usize = 16;

/// Hosts the core until somebody says quit; a second start raises the first.
///
/// # Errors
/// When there is no home folder, or the core that runs cannot be reached.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    kopi_feed::tls::install_provider();
    let paths = Paths::of_user(arguments.home.clone(), &|name| std::env::var_os(name))
        .context("there is no home folder: set KOPI_HOME")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("start the runtime")?;
    let lock = match take_lock(&paths) {
        Ok(lock) => lock,
        Err(LockError::Held { .. }) => return runtime.block_on(raise_running(&paths, &arguments)),
        Err(error) => return Err(error).context("host the core"),
    };
    tauri::async_runtime::set(runtime.handle().clone());
    let page = Page::default();
    hosted::show_first(&page, arguments.item.clone(), arguments.log);
    let line = Line::new(page.clone());
    let held = line.clone();
    let app = shell(tauri::Builder::default())
        .manage(page.clone())
        .manage(line)
        .build(tauri::generate_context!())
        .context("open the window")?;
    let (click_tray, tray_clicks) = mpsc::channel(CLICKS);
    let (click_notice, notice_clicks) = mpsc::channel(CLICKS);
    let config = ConfigDesk::new(
        KeptConfig::load_or_default(&paths, kopi_sources::all()),
        Box::new(Office::default()),
    );
    let config = Arc::new(config);
    let desk = Arc::new(HostDesk {
        config: config.clone(),
        app: app.handle().clone(),
        page,
        autostart: autostart(),
        core: OnceLock::new(),
    });
    let look_again = Arc::new(Notify::new());
    let teller = Arc::new(DesktopTeller::new("kopi".into(), click_notice));
    let machine = Machine::real();
    let locale = machine.locale.clone();
    let (core, models) = runtime.block_on(async {
        if arguments.demo
            && let Err(error) = config.act(Act::Demo { on: true }).await
        {
            tracing::warn!(message = %error.message, "the demo did not start");
        }
        let records: Arc<dyn Records> = match StoreRecords::open(&paths.database, jiff::Timestamp::now()).await {
            Ok(records) => Arc::new(records),
            Err(error) => {
                tracing::error!(message = %error.message, "Kopi goes on without its memory");
                Arc::new(NoRecords)
            }
        };
        let core = Core::start(CoreParts {
            settings: config.settings(),
            kinds: kopi_sources::all(),
            records,
            teller: teller.clone(),
            desk: desk.clone(),
            machine,
        })
        .await;
        config.started(&core);
        let models = tray_models(&core, locale, look_again.clone()).await;
        (core, models)
    });
    desk.core.set(core.clone()).ok();
    let _hosted = runtime
        .block_on(async { host(&core, &paths, lock) })
        .context("host the core")?;
    let show = app.handle().clone();
    runtime.spawn(hosted::hold(held, core.clone(), move || raise(&show)));
    runtime.spawn(grant_all(core.clone(), "tray", tray_clicks, look_again.clone()));
    runtime.spawn(grant_all(core.clone(), "notification", notice_clicks, look_again));
    tray::start(app.handle(), models, click_tray).context("make the tray")?;
    if !arguments.hidden {
        open_window(app.handle()).context("open the window")?;
    }
    app.run(move |_, event| match event {
        // The last window was closed: the core goes on. A code means that somebody said quit.
        RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
        RunEvent::Exit => runtime.block_on(core.stop("quit")),
        _ => {}
    });
    Ok(())
}

async fn raise_running(paths: &Paths, arguments: &Arguments) -> anyhow::Result<()> {
    let show = async {
        let (client, _frames) = attach(paths, "launcher").await?;
        if arguments.demo {
            client.act(Act::Demo { on: true }).await?;
        }
        let item = arguments.item.clone();
        client
            .act(Act::Show {
                item,
                log: arguments.log,
            })
            .await
    };
    show.await
        .map(drop)
        .map_err(|error| anyhow::anyhow!("{}", error.message))
}

fn raise(app: &AppHandle) {
    let handle = app.clone();
    let raised = app.run_on_main_thread(move || {
        if let Err(error) = open_window(&handle) {
            tracing::warn!(%error, "the window did not come to the front");
        }
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the window did not come to the front");
    }
}

struct HostDesk {
    config: Arc<ConfigDesk>,
    app: AppHandle,
    page: Page,
    autostart: Option<Autostart>,
    core: OnceLock<CoreHandle>,
}

impl Desk for HostDesk {
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, ApiError>> {
        self.config.query(query)
    }

    fn act(&self, act: Act) -> BoxFuture<'_, Result<Answer, ApiError>> {
        match (act, &self.autostart) {
            (Act::Autostart { on }, Some(autostart)) => {
                let switched = autostart
                    .switch(on)
                    .map(|()| Answer::Done)
                    .map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()));
                Box::pin(async { switched })
            }
            (act, _) => self.config.act(act),
        }
    }

    fn try_out(&self, connection: NewConnection) -> BoxFuture<'_, Result<ConnectionSettings, ApiError>> {
        self.config.try_out(connection)
    }

    fn raise(&self, item: Option<ItemId>, log: bool) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async move {
            hosted::show_first(&self.page, item, log);
            raise(&self.app);
            Ok(())
        })
    }

    fn autostart(&self) -> bool {
        self.autostart.as_ref().is_some_and(Autostart::is_on)
    }

    fn tray(&self) -> Option<bool> {
        Some(true)
    }

    fn quit(&self) {
        self.app.exit(0);
    }
}

fn autostart() -> Option<Autostart> {
    let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?;
    Some(Autostart::new(
        &PathBuf::from(home),
        std::env::current_exe().ok()?,
        &["--hidden"],
    ))
}
