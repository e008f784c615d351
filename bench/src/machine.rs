//! What is known of processes and processors here.

use std::{
    fs, io,
    path::Path,
    sync::OnceLock,
    time::{Duration, Instant},
};

use doorward_rig::Result;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processor that servers have for themselves, and the one for everything else.
static PROCESSORS: OnceLock<(usize, usize)> = OnceLock::new();

/// The number of the processor that servers have for themselves.
pub(crate) fn servers() -> Result<usize> {
    let (servers, _) = PROCESSORS.get().ok_or("nobody has stepped aside yet")?;
    Ok(*servers)
}

/// Keeps this process away from the processor of the servers. To be called before there are other threads.
pub(crate) fn step_aside() -> Result<()> {
    let allowed = sched_getaffinity(None)?;
    let mut allowed = (0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor));
    let (Some(servers), Some(others)) = (allowed.next(), allowed.next()) else {
        return Err("two processors are needed, one of them for the server".into());
    };
    PROCESSORS.get_or_init(|| (servers, others));
    run_on(others)
}

/// Keeps this thread, and those that it starts, on one processor.
fn run_on(processor: usize) -> Result<()> {
    let mut processors = CpuSet::new();
    processors.set(processor);
    Ok(sched_setaffinity(None, &processors)?)
}

/// Reads a file from one end to the other, so that the system has it in memory: some take back what nobody reads, and then it
/// would be the disk that is measured.
pub(crate) fn read(file: &Path) -> Result<()> {
    io::copy(&mut fs::File::open(file)?, &mut io::sink())?;
    Ok(())
}

/// The time of this process, by which servers are measured.
#[expect(clippy::disallowed_methods, reason = "to measure is what this is for")]
pub(crate) fn moment() -> Instant {
    Instant::now()
}

/// The time of day, which the server has as well.
#[expect(
    clippy::disallowed_methods,
    reason = "people of a population signed up now"
)]
pub(crate) fn now() -> Result<doorward::Timestamp> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let millis = i64::try_from(since.as_millis())?;
    Ok(doorward::Timestamp::from_millis(millis))
}

/// The time that a process has been given on processors.
pub(crate) struct Usage(Duration);

impl Usage {
    /// Of a process, with its threads; nothing where there is none.
    pub(crate) fn of(process: Option<u32>) -> Result<Self> {
        process.map_or(Ok(Self(Duration::ZERO)), |id| Self::read(&id.to_string()))
    }

    pub(crate) fn own() -> Result<Self> {
        Self::read("self")
    }

    fn read(process: &str) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // After the name, which may hold blanks: utime is the 12th value, stime the 13th, in hundredths of a second.
        let (_, values) = stat.rsplit_once(") ").ok_or("a process without a name")?;
        let ticks = values.split(' ').skip(11).take(2).map(str::parse::<u64>);
        let ticks: u64 = ticks.sum::<Result<_, _>>()?;
        Ok(Self(Duration::from_millis(ticks * 10)))
    }

    /// Seconds on processors from this moment to a later one.
    pub(crate) fn until(&self, later: &Self) -> f64 {
        later.0.saturating_sub(self.0).as_secs_f64()
    }
}

/// The memory that a process has in use: its resident set, in bytes.
pub(crate) fn memory(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kilobytes
        .ok_or("a process without memory")?
        .parse::<u64>()?
        * 1024)
}

/// What the first processor calls itself.
pub(crate) fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name.and_then(|line| line.split_once(": "));
    name.map_or("an unknown processor", |(_, name)| name)
        .to_owned()
}

/// Moves this thread to the processor of the servers, where a limit is to be measured.
pub(crate) fn become_server() -> Result<()> {
    run_on(servers()?)
}
