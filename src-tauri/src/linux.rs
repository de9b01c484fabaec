//! Linux: one window, which ends when it is closed. The core is the agent's.

use std::fs::{File, TryLockError};

use anyhow::Context;
use kopi_core::Paths;
use tauri::AppHandle;

use crate::agent::AgentStarter;
use crate::line::{Line, socket};
use crate::page::Page;
use crate::{Arguments, open_window, renderer, shell};

/// Opens the window and runs until it is closed.
///
/// # Errors
/// When there is no home folder, no display, or the window that lives cannot be reached.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let paths = Paths::of_user(arguments.home.clone(), &|name| std::env::var_os(name))
        .context("there is no home folder: set KOPI_HOME")?;
    let mut agent = AgentStarter::new(arguments.home.clone(), &paths);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("start the runtime")?;
    if arguments.hidden {
        return runtime.block_on(async { say(socket::only_core(&paths, &mut agent, arguments.demo).await) });
    }
    let Some(_lock) = only_window(&paths)? else {
        let raised = socket::raise_living(&paths, arguments.item, arguments.log, arguments.demo);
        return runtime.block_on(async { say(raised.await) });
    };
    renderer::prepare();
    tauri::async_runtime::set(runtime.handle().clone());
    let page = Page::default();
    if arguments.item.is_some() {
        page.show(arguments.item, arguments.log);
    }
    let line = Line::new(page.clone());
    let held = line.clone();
    shell(tauri::Builder::default())
        .manage(page)
        .manage(line)
        .setup(move |app| {
            let window = TheWindow(app.handle().clone());
            tauri::async_runtime::spawn(socket::hold(held, paths, agent, arguments.demo, window));
            open_window(app.handle())?;
            Ok(())
        })
        .run(tauri::generate_context!())
        .context("open the window")
}

fn say(outcome: Result<(), kopi_model::wire::ApiError>) -> anyhow::Result<()> {
    outcome.map_err(|error| match error.hint {
        Some(hint) => anyhow::anyhow!("{}; {hint}", error.message),
        None => anyhow::anyhow!("{}", error.message),
    })
}

/// Holds `window.lock` for as long as this window lives; none when another does. Taken before the window starts over with
/// another environment, and again after it.
fn only_window(paths: &Paths) -> anyhow::Result<Option<File>> {
    std::fs::create_dir_all(&paths.runtime).with_context(|| format!("make {}", paths.runtime.display()))?;
    let path = paths.runtime.join("window.lock");
    let file = File::create(&path).with_context(|| format!("open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
    }
}

struct TheWindow(AppHandle);

impl socket::Window for TheWindow {
    fn raise(&self) {
        if let Err(error) = open_window(&self.0) {
            tracing::warn!(%error, "the window did not come to the front");
        }
    }

    fn close(&self) {
        self.0.exit(0);
    }
}
