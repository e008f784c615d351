//! A world to break: what is started for one run, and how it is configured.

use std::{fs, path::Path, sync::Arc, time::Duration};

use doorward_rig::process::free_address;

use crate::{
    chance::Chance,
    checkers::{Budget, Rules},
    failure::Result,
    history::{Recorder, micros},
    nodes::{Node, Setup, seconds},
    smtp::Sink,
    workload::{ROLE, World},
};

/// The least time between two codes to one address: short, so that it is met often.
pub(crate) const ADDRESS_INTERVAL: Duration = Duration::from_secs(2);

/// What all runs have in common.
#[derive(Debug, Clone)]
pub(crate) struct Plan<'a> {
    pub binary: &'a Path,
    /// Where it writes histories, databases and logs.
    pub folder: &'a Path,
    pub seed: u64,
}

/// What the servers promise, on one node.
pub(crate) fn rules() -> Rules {
    Rules {
        // One node: dropped from memory after the commit and before the answer.
        lease: 0,
        command: seconds(1),
        ceiling: seconds(30),
        budgets: vec![
            Budget {
                most: 1,
                every: micros(ADDRESS_INTERVAL),
            },
            Budget {
                most: 60,
                every: seconds(15),
            },
        ],
        attempts: 5,
        failures: 10,
        sessions: 1000,
        passkeys: 20,
    }
}

/// What every server is told.
pub(crate) fn environment(
    plan: &Plan<'_>,
    sink: &Sink,
    folder: &Path,
    origin: &str,
) -> Vec<(String, String)> {
    let authority = folder.join("mail-authority.pem");
    let settings = [
        ("PUBLIC_URL", origin.to_owned()),
        ("ROOT_KEY", root_key(plan.seed)),
        ("LOG__LEVEL", "warn".into()),
        ("MAIL__FROM", "chaos@example.com".into()),
        ("MAIL__SMTP__HOST", "localhost".into()),
        ("MAIL__SMTP__PORT", sink.port.to_string()),
        ("MAIL__SMTP__CA_FILE", authority.display().to_string()),
        ("SESSIONS__PER_USER", "1000".into()),
        ("SESSIONS__FRESH", "1h".into()),
        // Each request comes from a network of its own, so that the audit log can be told to its requests.
        ("TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8".into()),
        (
            "LIMITS__ADDRESS_INTERVAL",
            format!("{}s", ADDRESS_INTERVAL.as_secs()),
        ),
        ("LIMITS__ADDRESS_QUARTER", "60".into()),
        ("LIMITS__ADDRESS_HOUR", "0".into()),
        ("LIMITS__ADDRESS_DAY", "0".into()),
        ("LIMITS__NETWORK_QUARTER", "0".into()),
        ("LIMITS__NETWORK_HOUR", "0".into()),
        ("LIMITS__NETWORK_FAILURES", "0".into()),
        ("LIMITS__BRAKE", "0".into()),
    ];
    settings
        .into_iter()
        .map(|(name, value)| (format!("DOORWARD_{name}"), value))
        .collect()
}

/// One server on SQLite, started, with its role; its data in a folder of its own.
pub(crate) async fn single(
    plan: &Plan<'_>,
    name: &str,
    data: &Path,
    further: &[(&str, String)],
) -> Result<Arc<World>> {
    let folder = plan.folder.join(name);
    fs::create_dir_all(&folder)?;
    let sink = Sink::start().await?;
    fs::write(folder.join("mail-authority.pem"), &sink.authority)?;
    let address = free_address()?;
    let origin = format!("http://localhost:{}", address.port());
    let mut environment = environment(plan, &sink, &folder, &origin);
    environment.push(("DOORWARD_DATA_DIR".into(), data.display().to_string()));
    environment.extend(
        further
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    let setup = Setup {
        binary: plan.binary.to_owned(),
        folder: folder.clone(),
        environment,
    };
    let node = Arc::new(Node::new("n1", address, setup));
    node.start().await?;
    node.run(&["role", "create", ROLE]).await;
    let recorder = Recorder::new(&folder.join("history.jsonl"))?;
    Ok(Arc::new(World::new(
        vec![node],
        sink,
        recorder,
        origin,
        plan.seed,
    )))
}

/// A key that looks like one.
fn root_key(seed: u64) -> String {
    let mut chance = Chance::new(seed, 4 << 32);
    let mut quarter = || format!("{:016x}", chance.next());
    [quarter(), quarter(), quarter(), quarter()].concat()
}
