//! A network of our own: hosts that are network namespaces, on a bridge in the namespace that the harness runs in.
//!
//! The harness starts itself again in a namespace of its own ([`enter`]), so that nothing of it reaches, or is reached
//! from, the machine's network.

use std::{env, net::Ipv4Addr, process::Stdio};

use doorward_rig::process::{succeed, tethered};
use tokio::process::Command;

use crate::failure::Result;

/// What tells the harness that it is in its own network already.
pub(crate) const INSIDE: &str = "--inside";

/// Starts this program again, with the same arguments and some more, in a network of its own; whether it succeeded.
pub(crate) async fn enter(further: &[String]) -> Result<bool> {
    let unshare = ["/usr/bin/unshare", "--net", "--"].map(str::to_owned);
    let mut command = tethered(&unshare, None);
    let status = command
        .arg(env::current_exe()?)
        .args(env::args_os().skip(1))
        .args(further)
        .arg(INSIDE)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await?;
    Ok(status.success())
}

/// The network.
pub(crate) struct Lab {
    hosts: Vec<String>,
}

impl Lab {
    /// A bridge, and so many hosts on it.
    pub(crate) async fn build(hosts: u8) -> Result<Self> {
        ip("link set lo up").await?;
        ip("link add lab type bridge").await?;
        ip("address add 10.77.0.1/24 dev lab").await?;
        ip("link set lab up").await?;
        let mut lab = Self { hosts: Vec::new() };
        for at in 0..hosts {
            let name = format!("doorward-chaos-{}-{at}", std::process::id());
            ip(&format!("netns add {name}")).await?;
            lab.hosts.push(name.clone());
            ip(&format!(
                "link add port{at} type veth peer name eth0 netns {name}"
            ))
            .await?;
            ip(&format!("link set port{at} master lab up")).await?;
            ip(&format!("-n {name} link set lo up")).await?;
            ip(&format!(
                "-n {name} address add {}/24 dev eth0",
                Self::address(at)
            ))
            .await?;
            ip(&format!("-n {name} link set eth0 up")).await?;
        }
        Ok(lab)
    }

    pub(crate) fn address(host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, host + 2)
    }

    /// What runs a program on a host.
    pub(crate) fn inside(&self, host: u8) -> Vec<String> {
        let name = self.hosts.get(usize::from(host)).cloned();
        let words = ["/usr/sbin/ip", "netns", "exec"].map(str::to_owned);
        words.into_iter().chain(name).collect()
    }

    /// Whether a host reaches anyone at all.
    pub(crate) async fn plug(&self, host: u8, plugged: bool) -> Result<()> {
        let state = if plugged { "up" } else { "down" };
        ip(&format!("link set port{host} {state}")).await
    }

    /// Whether the hosts reach each other; the nodes reach them all the same.
    pub(crate) async fn join(&self, joined: bool) -> Result<()> {
        let state = if joined { "off" } else { "on" };
        for host in 0..self.hosts.len() {
            ip(&format!(
                "link set port{host} type bridge_slave isolated {state}"
            ))
            .await?;
        }
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // What runs there keeps the network until it ends; the name goes.
        for name in &self.hosts {
            let mut delete = std::process::Command::new("/usr/sbin/ip");
            let _ = delete.args(["netns", "delete", name]).status();
        }
    }
}

async fn ip(words: &str) -> Result<()> {
    let mut command = Command::new("/usr/sbin/ip");
    succeed(command.args(words.split(' '))).await.map(drop)
}
