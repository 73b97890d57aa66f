//! Running a function with its layers as AWS Lambda or Function Compute would, without a container engine.
//!
//! Lambda's own runtime client asks a Runtime API of ours for events; for Function Compute a small client of ours does. A function that has been started handles all of them,
//! as a warm one does; after a time-out or a crash the next event starts it anew.

pub mod environment;
pub mod limits;
pub mod memory;
pub mod room;
pub mod runtime_api;
pub mod settings;
pub mod system;

use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde_json::Value;

use self::limits::Limits;
use self::memory::Watch;
use self::room::Room;
use self::runtime_api::{Invocation, Message, RuntimeApi};
pub use self::settings::Order;
use self::system::System;
use crate::model::{Arch, Cloud, Sha256};
use crate::process::background::Background;
use crate::ui::Ui;

/// How long a function may take to start.
const INIT_LIMIT: Duration = Duration::from_secs(60);

/// How often it is looked whether the function still runs.
const TICK: Duration = Duration::from_millis(10);

/// How an event ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With this result.
    Result(Vec<u8>),
    /// It failed: why, in words, and what Lambda would answer.
    Failed {
        /// Why.
        reason: String,
        /// JSON, where the runtime client said something.
        answer: Option<Vec<u8>>,
    },
}

/// Runs functions.
#[derive(Debug)]
pub struct Invoker<'a> {
    order: &'a Order<'a>,
    room: Room,
    running: Option<Running>,
    ui: &'a Ui,
}

/// A function that has been started. It goes, with all it has started, when dropped.
#[derive(Debug)]
struct Running {
    // The process before its groups, which go when nobody is in them.
    process: Background,
    api: RuntimeApi,
    watch: Watch,
    limits: Option<Limits>,
    /// How long it took to start, until that has been reported.
    init: Option<Duration>,
}

impl<'a> Invoker<'a> {
    /// Prepares everything that is kept in `cache`.
    pub fn new(order: &'a Order<'a>, arch: Arch, cache: &Path, ui: &'a Ui) -> Result<Invoker<'a>> {
        let cache = cache.join("invoke");
        let folder = order.folder.canonicalize().with_context(|| format!("cannot read {}", order.folder.display()))?;
        let cloud = order.function.cloud;
        let system = System::prepare(arch, order, &cache, ui)?;
        let version = system.python.folder();
        if version != order.function.runtime {
            ui.note(format!("this machine's {version} stands in for {}", order.function.runtime));
        }
        let mut layers = order.layers.to_vec();
        if cloud == Cloud::Aliyun {
            // Where two layers have the same file, that of the first one counts.
            layers.reverse();
        }
        let opt = system::merge(&layers, &cache)?;
        let place = cache.join("root");
        std::fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
        let code = environment::code(cloud);
        let mut mounts = vec![
            (opt, PathBuf::from("opt")),
            (folder.clone(), PathBuf::from(code)),
            (system.runtime, PathBuf::from("var/runtime")),
        ];
        mounts.extend(system.packages.map(|packages| (packages, PathBuf::from("var/packages"))));
        let files = ["etc/hosts", "etc/resolv.conf"].map(PathBuf::from);
        mounts
            .extend(files.into_iter().map(|file| (Path::new("/").join(&file), file)).filter(|(from, _)| from.exists()));
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut argv = vec![system.python.program.to_string_lossy().into_owned()];
        argv.extend(environment::client(cloud, &order.function.handler));
        let room = Room {
            system: system.root,
            place,
            mounts,
            argv,
            env: environment::variables(order, &name, &version),
            cwd: Path::new("/").join(code),
        };
        Ok(Invoker { order, room, running: None, ui })
    }

    /// Lets the function handle an event, and reports on stderr as Lambda does.
    ///
    /// # Errors
    /// Where the function cannot be run at all; how it ended otherwise is in what is returned.
    pub fn invoke(&mut self, event: &[u8]) -> Result<End> {
        let id = request_id();
        let mut running = match self.running.take() {
            Some(running) => running,
            None => match self.start()? {
                Ok(running) => running,
                Err(end) => return Ok(end),
            },
        };
        self.ui.note(format!("START RequestId: {id} Version: $LATEST"));
        let begin = Instant::now();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let deadline = (since_1970 + self.order.timeout).as_millis();
        let name = self.order.folder.file_name().unwrap_or_default().to_string_lossy();
        let arn = format!("arn:aws:lambda:us-east-1:123456789012:function:{name}");
        running.api.give(Invocation { id: id.clone(), event: event.to_vec(), deadline, arn });
        let end = running.wait(begin + self.order.timeout, &|running, message| match message {
            Some(Message::Result(result)) => Some(End::Result(result)),
            Some(Message::Failed(answer) | Message::InitFailed(answer)) => {
                Some(End::Failed { reason: reason(&answer), answer: Some(answer) })
            }
            Some(Message::Ready) => None,
            None => Some(running.gone()),
        });
        let duration = begin.elapsed();
        let timed_out = end.is_none();
        let mut end =
            end.unwrap_or_else(|| End::failed(format!("it timed out after {} s", self.order.timeout.as_secs())));
        let killed = running.killed();
        if killed > 0 {
            end = End::failed(out_of_memory(self.order));
        }
        self.report(&id, duration, &mut running);
        if !timed_out && killed == 0 && running.process.runs() {
            // The client asks for the next event, which is no answer to the next one.
            let next = Instant::now() + Duration::from_secs(1);
            let is_ready = running.wait(next, &|_, message| Some(message == Some(Message::Ready)));
            if is_ready == Some(true) {
                self.running = Some(running);
            }
        }
        Ok(end)
    }

    /// Lets the function handle the events of the Runtime API at `address`, until its process ends; says how it ended.
    /// Its memory is limited, its share of a core is not: only the other end knows when it has started.
    ///
    /// # Errors
    /// Where the function cannot be run at all.
    pub fn serve(&self, address: &str) -> Result<String> {
        let (limits, mut process) = self.launch(address)?;
        let status = loop {
            if let Some(status) = process.ended() {
                break status;
            }
            std::thread::sleep(TICK);
        };
        let killed = limits.as_ref().map_or(0, Limits::killed);
        Ok(if killed > 0 { out_of_memory(self.order) } else { ended(status) })
    }

    /// Starts the function's process, in its groups if it can have some.
    fn launch(&self, address: &str) -> Result<(Option<Limits>, Background)> {
        let limits = match Limits::new("invoke", self.order.memory) {
            Ok(limits) => Some(limits),
            Err(error) => {
                self.ui.warn(format!(
                    "neither memory nor the share of a core is limited: {error}\n\nhint: root can make control groups"
                ));
                None
            }
        };
        let mut room = self.room.clone();
        room.env.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), address.to_owned());
        let groups = limits.as_ref().map(|limits| limits.groups.clone()).unwrap_or_default();
        let log = File::from(std::io::stderr().as_fd().try_clone_to_owned().context("there is no stderr")?);
        let process = room.start(&groups, &log)?;
        Ok((limits, process))
    }

    /// Starts the function and waits until it asks for an event.
    fn start(&self) -> Result<Result<Running, End>> {
        let api = RuntimeApi::start().context("cannot listen on the loopback")?;
        let begin = Instant::now();
        let (limits, process) = self.launch(&api.address)?;
        let watch = Watch::start(process.id());
        let mut running = Running { process, api, watch, limits, init: None };
        let started = running.wait(begin + INIT_LIMIT, &|running, message| match message {
            Some(Message::Ready) => Some(Ok(())),
            Some(Message::InitFailed(answer)) => Some(Err(End::Failed {
                reason: format!("it cannot be loaded: {}", reason(&answer)),
                answer: Some(answer),
            })),
            Some(_) => None,
            None => Some(Err(running.gone())),
        });
        running.init = Some(begin.elapsed());
        if let Some(limits) = &running.limits {
            limits.throttle().context("cannot limit the share of a core")?;
        }
        let late = || Err(End::failed(format!("it was not ready after {} s", INIT_LIMIT.as_secs())));
        Ok(started.unwrap_or_else(late).map(|()| running))
    }

    fn report(&self, id: &str, duration: Duration, running: &mut Running) {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let init = running.init.take();
        let billed = milliseconds(duration + init.unwrap_or_default()).ceil();
        let init = init.map(|init| format!("\tInit Duration: {:.2} ms", milliseconds(init))).unwrap_or_default();
        self.ui.note(format!(
            "END RequestId: {id}\nREPORT RequestId: {id}\tDuration: {:.2} ms\tBilled Duration: {billed:.0} ms\tMemory Size: {} MB\tMax Memory Used: {} MB{init}",
            milliseconds(duration),
            self.order.memory,
            running.watch.peak().div_ceil(1024 * 1024),
        ));
    }
}

impl Running {
    /// Waits until `wanted` makes something of a message, or of the end of the process, for which it gets none.
    fn wait<T>(&mut self, until: Instant, wanted: &dyn Fn(&mut Running, Option<Message>) -> Option<T>) -> Option<T> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let found = match self.api.messages.recv_timeout(left.min(TICK)) {
                Ok(message) => wanted(self, Some(message)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) if self.process.ended().is_some() => {
                    wanted(self, None)
                }
                Err(_) if left.is_zero() => return None,
                Err(_) => None,
            };
            if found.is_some() {
                return found;
            }
        }
    }

    fn killed(&self) -> u64 {
        self.limits.as_ref().map_or(0, Limits::killed)
    }

    /// How a function ended that has ended by itself.
    fn gone(&mut self) -> End {
        End::failed(self.process.ended().map_or_else(|| "it has not ended".to_owned(), ended))
    }
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("its process ended by itself: exit code {code}"),
        (None, signal) => format!("its process ended by itself: signal {}", signal.unwrap_or_default()),
    }
}

fn out_of_memory(order: &Order<'_>) -> String {
    format!("it needs more than its {} MB of memory, and the kernel killed it", order.memory)
}

impl End {
    fn failed(reason: String) -> End {
        End::Failed { reason, answer: None }
    }
}

/// What a runtime client's report of a failure says.
fn reason(answer: &[u8]) -> String {
    let value: Value = serde_json::from_slice(answer).unwrap_or_default();
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or("unknown").to_owned();
    format!("{}: {}", text("errorType"), text("errorMessage"))
}

/// An id in the form of Lambda's.
fn request_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let digits = Sha256::of(format!("{} {}", std::process::id(), now.as_nanos())).to_string();
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..32]].join("-")
}
