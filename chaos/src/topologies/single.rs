//! S: one process on SQLite.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{process::Command, time::sleep};

use super::{HANDS, run};
use crate::{
    chance::Chance,
    failure::Result,
    history::Fault,
    report::Report,
    world::{Plan, rules, single},
};

/// `kill -9` again and again, and a pause now and then.
pub(crate) async fn kills(plan: &Plan<'_>, count: u64) -> Result<Report> {
    let name = "S-kill";
    let data = plan.folder.join(name).join("data");
    let world = single(plan, name, &data, &[]).await?;
    let node = &world.nodes[0];
    let faults = async {
        let mut chance = Chance::new(plan.seed, 1 << 32);
        sleep(Duration::from_secs(2)).await;
        for kill in 0..count {
            sleep(Duration::from_millis(100 + chance.below(900))).await;
            if kill % 10 == 9 {
                // While memory still holds something, and with time to answer by it.
                let time = Duration::from_millis(200 + chance.below(1500));
                world.pause(node, time).await?;
                sleep(Duration::from_millis(500)).await;
            }
            world.kill_and_start(node).await?;
        }
        sleep(Duration::from_secs(1)).await;
        Ok(())
    };
    run(name, plan.folder, &world, &rules(), HANDS, faults).await
}

/// The file system fills up under load, the server is killed on it, and there is room again.
pub(crate) async fn full_disk(plan: &Plan<'_>, count: u64) -> Result<Report> {
    let name = "S-disk";
    let small = Small::mount(&plan.folder.join(name).join("small")).await?;
    let world = single(plan, name, &small.0.join("data"), &[]).await?;
    let node = &world.nodes[0];
    let faults = async {
        let mut chance = Chance::new(plan.seed, 2 << 32);
        for time in 0..count {
            sleep(Duration::from_secs(2)).await;
            let start = world.recorder.now();
            small.fill()?;
            sleep(Duration::from_millis(1000 + chance.below(2000))).await;
            if time % 2 == 1 {
                // It need not start on a full disk, only lose nothing.
                node.kill().await?;
            }
            small.free()?;
            if time % 2 == 1 {
                node.start().await?;
            }
            world
                .recorder
                .fault(Fault::DiskFull, &node.target.name, start);
        }
        sleep(Duration::from_secs(2)).await;
        Ok(())
    };
    let report = run(name, plan.folder, &world, &rules(), HANDS, faults).await;
    small.unmount().await?;
    report
}

/// A file system of 32 MiB.
struct Small(PathBuf);

impl Small {
    async fn mount(at: &Path) -> Result<Self> {
        fs::create_dir_all(at)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=32m,mode=700", "doorward-chaos"]);
        let status = mount.arg(at).status().await?;
        if !status.success() {
            return Err("a small file system cannot be mounted: this needs root".into());
        }
        Ok(Self(at.to_owned()))
    }

    /// Leaves no byte free.
    fn fill(&self) -> Result<()> {
        use std::io::Write;
        let mut ballast = fs::File::create(self.0.join("ballast"))?;
        for size in [1 << 20, 4096] {
            let block = vec![0; size];
            while ballast.write_all(&block).is_ok() {}
        }
        Ok(())
    }

    fn free(&self) -> Result<()> {
        Ok(fs::remove_file(self.0.join("ballast"))?)
    }

    async fn unmount(mut self) -> Result<()> {
        let at = std::mem::take(&mut self.0);
        let status = Command::new("umount").arg(&at).status().await?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{} cannot be unmounted", at.display()).into())
        }
    }
}

impl Drop for Small {
    /// Where something went wrong before: whatever still runs there keeps the memory until it ends.
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let mut unmount = std::process::Command::new("umount");
            let _ = unmount.arg("--lazy").arg(&self.0).status();
        }
    }
}

/// The server's clock is stepped forth and back, by an hour and less, also over a restart.
pub(crate) async fn clock_steps(plan: &Plan<'_>, count: u64) -> Result<Report> {
    let library = faketime().ok_or("clock steps need Debian's package faketime")?;
    let name = "S-clock";
    let folder = plan.folder.join(name);
    fs::create_dir_all(&folder)?;
    let offset = folder.join("clock");
    fs::write(&offset, "+0\n")?;
    let further = [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
    ];
    let world = single(plan, name, &folder.join("data"), &further).await?;
    let node = &world.nodes[0];
    let faults = async {
        let mut chance = Chance::new(plan.seed, 3 << 32);
        let mut ahead = 0;
        for time in 0..count {
            sleep(Duration::from_secs(2)).await;
            let start = world.recorder.now();
            let by = i64::try_from(chance.below(7200)).unwrap_or(0) - 3600;
            fs::write(&offset, format!("{by:+}\n"))?;
            sleep(Duration::from_secs(1)).await;
            let fault = step(ahead, by);
            world.recorder.fault(fault, &node.target.name, start);
            ahead = by;
            if time % 2 == 1 {
                world.kill_and_start(node).await?;
            }
        }
        let start = world.recorder.now();
        fs::write(&offset, "+0\n")?;
        world.kill_and_start(node).await?;
        let fault = step(ahead, 0);
        world.recorder.fault(fault, &node.target.name, start);
        Ok(())
    };
    run(name, plan.folder, &world, &rules(), HANDS, faults).await
}

/// What a step of a clock from so many seconds ahead to others is called.
fn step(from: i64, to: i64) -> Fault {
    /// Codes live for ten minutes.
    const LEAP: i64 = 9 * 60;
    if to - from > LEAP {
        Fault::ClockLeap
    } else {
        Fault::ClockStep
    }
}

/// The library that steps clocks, wherever this architecture has it.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists())
}
