//! `doorward user …`

use std::net::IpAddr;

use doorward::{
    Timestamp, access, sessions,
    users::{self, Account, Filter, Invitation, Name, Status},
};
use serde::Serialize;
use serde_json::json;

use super::{Desk, address, or_dash};
use crate::{
    args::{Invite, User, Users},
    failure::Failure,
    output::table,
};

pub(crate) async fn run(desk: Desk, command: User) -> Result<(), Failure> {
    match command {
        User::List(filter) => list(&desk, filter).await,
        User::Show(who) => show(&desk, &desk.account(&who.user).await?).await,
        User::Invite(invitation) => invite(&desk, invitation).await,
        User::Disable(who) => disable(&desk, &desk.account(&who.user).await?).await,
        User::Enable(who) => enable(&desk, &desk.account(&who.user).await?).await,
        User::Delete(who) => delete(&desk, &desk.account(&who.user).await?).await,
        User::Sessions(who) => list_sessions(&desk, &desk.account(&who.user).await?).await,
        User::SignOut(who) => sign_out(&desk, &desk.account(&who.user).await?).await,
    }
}

async fn list(desk: &Desk, filter: Users) -> Result<(), Failure> {
    let filter = Filter {
        address: filter.query,
        role: filter.role,
        status: filter.status,
    };
    let mut accounts = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = users::list(&desk.doorward, &filter, cursor.as_deref()).await?;
        accounts.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    desk.output.answer(&accounts, || {
        let rows = accounts.iter().map(|account| {
            let user = &account.user;
            [
                user.id.to_string(),
                user.email.to_string(),
                status(account).to_owned(),
                user.created_at.to_string(),
                or_dash(account.last_sign_in_at.as_ref()),
            ]
        });
        table(["ID", "ADDRESS", "STATUS", "SINCE", "LAST SIGN-IN"], rows)
    })
}

/// What people call the state of an account.
fn status(account: &Account) -> &'static str {
    match (account.status, account.user.email_verified) {
        (Status::Disabled, _) => "disabled",
        (Status::Active, false) => "invited",
        (Status::Active, true) => "active",
    }
}

async fn show(desk: &Desk, account: &Account) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Shown<'a> {
        #[serde(flatten)]
        account: &'a Account,
        #[serde(flatten)]
        access: access::Access,
        sessions: usize,
    }
    let access = access::held_by(&desk.doorward, &account.user.id).await?;
    let sessions = sessions::of_user(&desk.doorward, &account.user.id)
        .await?
        .len();
    let shown = Shown {
        account,
        access,
        sessions,
    };
    desk.output.answer(&shown, || {
        let user = &account.user;
        let name: Vec<&str> = [&user.first_name, &user.last_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let lines = [
            ("id", user.id.to_string()),
            ("address", user.email.to_string()),
            ("name", name.join(" ")),
            ("status", status(account).to_owned()),
            ("since", user.created_at.to_string()),
            ("last sign-in", or_dash(account.last_sign_in_at.as_ref())),
            ("sessions", sessions.to_string()),
            ("roles", shown.access.roles().join(", ")),
            ("permissions", shown.access.permissions().join(", ")),
        ];
        let lines = lines.map(|(what, value)| {
            format!("{what:12}  {}", value.replace('\n', "\\n"))
                .trim_end()
                .to_owned()
        });
        lines.join("\n")
    })
}

async fn invite(desk: &Desk, form: Invite) -> Result<(), Failure> {
    let name = |text: Option<String>| {
        let parsed = text.map(|text| Name::parse(&text)).transpose();
        parsed.map_err(|error| Failure::refused("invalid_request", format!("not a name: {error}")))
    };
    let invitation = Invitation {
        address: address(&form.address)?,
        roles: form.roles,
        first_name: name(form.first_name)?,
        last_name: name(form.last_name)?,
    };
    let made = users::invite(&desk.doorward, &invitation, None, &desk.client).await?;
    let address = &invitation.address;
    let answer = json!({ "id": made, "email": address, "invited": made.is_some() });
    desk.output.answer(&answer, || match made {
        Some(id) => format!("Invited {address} ({id}). The server sends the mail."),
        None => format!("{address} has an account already, which is as it was. The server sends a mail all the same."),
    })
}

async fn disable(desk: &Desk, account: &Account) -> Result<(), Failure> {
    let changed = users::disable(&desk.doorward, &account.user.id, None, &desk.client).await?;
    desk.report(
        account,
        changed,
        "is disabled; all sessions have ended",
        "was disabled already",
    )
}

async fn enable(desk: &Desk, account: &Account) -> Result<(), Failure> {
    let changed = users::enable(&desk.doorward, &account.user.id, None, &desk.client).await?;
    desk.report(account, changed, "may sign in again", "was not disabled")
}

async fn delete(desk: &Desk, account: &Account) -> Result<(), Failure> {
    users::erase(&desk.doorward, &account.user.id, None, &desk.client).await?;
    desk.report(account, true, "is erased, and all that was theirs", "")
}

async fn sign_out(desk: &Desk, account: &Account) -> Result<(), Failure> {
    let sessions = sessions::of_user(&desk.doorward, &account.user.id)
        .await?
        .len();
    users::sign_out_everywhere(&desk.doorward, &account.user.id, None, &desk.client).await?;
    let done = format!("is signed out everywhere; sessions ended: {sessions}");
    desk.report(account, sessions > 0, &done, "had no session")
}

/// A session as an administrator sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: doorward::SessionId,
    created_at: Timestamp,
    authenticated_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    method: &'static str,
    ip: Option<IpAddr>,
    user_agent: Option<&'a str>,
}

async fn list_sessions(desk: &Desk, account: &Account) -> Result<(), Failure> {
    let sessions = sessions::of_user(&desk.doorward, &account.user.id).await?;
    let sessions: Vec<Shown<'_>> = sessions
        .iter()
        .map(|session| Shown {
            id: session.id,
            created_at: session.created_at,
            authenticated_at: session.authenticated_at,
            last_seen_at: session.last_seen_at(),
            expires_at: session.expires_at,
            method: session.method.name(),
            ip: session.ip,
            user_agent: session.user_agent.as_ref().map(|agent| agent.as_str()),
        })
        .collect();
    desk.output.answer(&sessions, || {
        let rows = sessions.iter().map(|session| {
            [
                session.id.to_string(),
                session.created_at.to_string(),
                session.last_seen_at.to_string(),
                session.expires_at.to_string(),
                session.method.to_owned(),
                or_dash(session.ip.as_ref()),
                or_dash(session.user_agent.as_ref()),
            ]
        });
        table(
            ["ID", "SINCE", "LAST SEEN", "UNTIL", "BY", "FROM", "WITH"],
            rows,
        )
    })
}
