//! One text, two databases: every statement fits both, both schemas say the same, and what is asked often is looked up.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use doorward::{
    Span,
    testing::{Cell, Held, Reply, World, on_every_database},
};
use futures_util::future::join;
use serde_json::json;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls, types::Type};

use crate::{
    storage::{Statement, statements, statements_in},
    tables,
};

const ADA: &str = "ada@example.com";

/// A connection to the database of a world, where that is on a server.
async fn connect(world: &World) -> Option<Client> {
    let url = world.doorward().config().database.url.clone()?;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    Some(client)
}

/// The types of a statement's parameters as the driver declares them: numbers are `bigint`. Where the server cannot infer
/// one, every way to fill it in is tried.
async fn types(client: &Client, statement: &Statement) -> Vec<Type> {
    let Statement { place, sql } = statement;
    let count = (1..100)
        .take_while(|number| sql.contains(&format!("${number}")))
        .count();
    let mut inferred = vec![Vec::new()];
    if let Ok(prepared) = client.prepare(sql).await {
        inferred = vec![prepared.params().to_vec()];
    } else {
        for _ in 0..count {
            inferred = inferred
                .into_iter()
                .flat_map(|types: Vec<Type>| {
                    [Type::INT8, Type::BYTEA, Type::TEXT].map(|of| [&types[..], &[of]].concat())
                })
                .collect();
        }
    }
    for types in inferred {
        let declared: Vec<_> = types
            .into_iter()
            .map(|of| if of == Type::INT4 { Type::INT8 } else { of })
            .collect();
        if client.prepare_typed(sql, &declared).await.is_ok() {
            assert_eq!(declared.len(), count, "{place}");
            let ours = [Type::INT8, Type::BYTEA, Type::TEXT];
            assert!(declared.iter().all(|of| ours.contains(of)), "{place}");
            return declared;
        }
    }
    panic!("{place}: {:?}", client.prepare(sql).await);
}

#[tokio::test]
async fn every_statement_fits_the_schema_on_a_server() {
    on_every_database(async |world| {
        let Some(client) = connect(&world).await else {
            return;
        };
        for statement in statements() {
            types(&client, &statement).await;
        }
    })
    .await;
}

// ── Schemas ─────────────────────────────────────────────────────────────────

/// What a schema says: each thing as a line.
type Schema = BTreeMap<&'static str, BTreeSet<String>>;

fn lines(world: &World, sql: &str) -> BTreeSet<String> {
    let line = |row: Vec<Cell>| {
        let cells = row.into_iter().map(|cell| match cell {
            Cell::Integer(number) => number.to_string(),
            Cell::Text(text) => text,
            other => format!("{other:?}"),
        });
        cells.collect::<Vec<_>>().join(" ")
    };
    // The driver's own.
    let is_shared = |line: &String| {
        !["attempts ", "schema_version "]
            .iter()
            .any(|own| line.starts_with(own))
    };
    world
        .rows(sql)
        .into_iter()
        .map(line)
        .filter(is_shared)
        .collect()
}

/// The columns of each index in their order, which the rows of `sql` name one by one: table, index, column, whether it is
/// unique, whether it is partial.
fn indexes(world: &World, sql: &str) -> BTreeSet<String> {
    let mut all: BTreeMap<(String, String), (Vec<String>, i64, i64)> = BTreeMap::new();
    for row in world.rows(sql) {
        let [table, index, column, unique, partial] = row.try_into().unwrap();
        let key = [table, index].map(|cell| String::of(cell).unwrap()).into();
        let numbers = [unique, partial].map(|cell| i64::of(cell).unwrap());
        let entry = all.entry(key).or_default();
        entry.0.push(String::of(column).unwrap());
        (entry.1, entry.2) = numbers.into();
    }
    all.into_iter()
        .filter(|((table, _), _)| !["attempts", "schema_version"].contains(&table.as_str()))
        .map(|((table, _), columns)| format!("{table} {columns:?}"))
        .collect()
}

fn of_file(world: &World) -> Schema {
    let columns = "
        select m.name, c.name, lower(c.type), c.\"notnull\" or c.pk
          from sqlite_schema m join pragma_table_info(m.name) c
         where m.type = 'table'";
    let parts = "
        select m.name, i.name, c.name, i.\"unique\", i.partial
          from sqlite_schema m join pragma_index_list(m.name) i join pragma_index_info(i.name) c
         where m.type = 'table' order by m.name, i.name, c.seqno";
    let keys = "
        select m.name, k.\"from\", k.\"table\", k.\"to\", lower(k.on_delete)
          from sqlite_schema m join pragma_foreign_key_list(m.name) k
         where m.type = 'table'";
    BTreeMap::from([
        ("columns", lines(world, columns)),
        ("indexes", indexes(world, parts)),
        ("foreign keys", lines(world, keys)),
    ])
}

fn of_server(world: &World) -> Schema {
    let columns = "
        select c.relname::text, a.attname::text,
               case format_type(a.atttypid, a.atttypmod) when 'bytea' then 'blob' when 'bigint' then 'integer'
                    else format_type(a.atttypid, a.atttypmod) end,
               a.attnotnull
          from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped";
    let parts = "
        select c.relname::text, x.relname::text, a.attname::text, i.indisunique, i.indpred is not null
          from pg_index i
          join pg_class c on c.oid = i.indrelid
          join pg_class x on x.oid = i.indexrelid
          cross join generate_subscripts(i.indkey, 1) part
          join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[part]
         where c.relnamespace = 'public'::regnamespace order by c.relname, x.relname, part";
    let keys = "
        select c.relname::text, a.attname::text, r.relname::text, b.attname::text,
               case k.confdeltype when 'c' then 'cascade' else k.confdeltype::text end
          from pg_constraint k
          join pg_class c on c.oid = k.conrelid
          join pg_class r on r.oid = k.confrelid
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
          join pg_attribute b on b.attrelid = r.oid and b.attnum = k.confkey[1]
         where k.contype = 'f'";
    BTreeMap::from([
        ("columns", lines(world, columns)),
        ("indexes", indexes(world, parts)),
        ("foreign keys", lines(world, keys)),
    ])
}

/// What a new database holds already.
fn seeds(world: &World) -> Vec<Vec<Vec<Cell>>> {
    let mark = Cell::Text("root_key_mark".into());
    let mut tables = tables::dump(world);
    for rows in tables.values_mut() {
        rows.retain(|row| !row.contains(&mark));
    }
    tables.into_values().collect()
}

#[tokio::test]
async fn both_schemas_say_the_same() {
    let file = std::sync::Mutex::new(None);
    on_every_database(async |world| {
        if world.doorward().config().database.url.is_none() {
            let schema = of_file(&world);
            assert!(schema["columns"].len() > 100 && schema["indexes"].len() > 20);
            *file.lock().unwrap() = Some((schema, seeds(&world)));
        } else if let Some((schema, seeds_of_file)) = file.lock().unwrap().take() {
            let other = of_server(&world);
            for (what, of_file) in &schema {
                let differences: Vec<_> = of_file.symmetric_difference(&other[what]).collect();
                assert!(differences.is_empty(), "{what}: {differences:#?}");
            }
            assert_eq!(seeds(&world), seeds_of_file);
        }
    })
    .await;
}

// ── Plans ───────────────────────────────────────────────────────────────────

/// So many people, with two sessions, a passkey, a code and so on: more than a million rows in all.
const PEOPLE: &str = "100000";

/// Fills the tables that grow.
async fn populate(client: &Client) {
    let script = "
        -- Rows that refer to each other rightly need not be asked whether they do.
        set session_replication_role = replica;
        insert into users (id, status, auth_epoch, webauthn_handle, created_at, updated_at)
        select decode(md5('u' || n), 'hex'), 1, 0, decode(md5('h' || n), 'hex'), n, n from generate_series(1, PEOPLE) n;
        insert into user_emails (email_key, user_id, address, norm_version, verified_at)
        select convert_to('u' || n || '@example.com', 'UTF8'), decode(md5('u' || n), 'hex'), 'u' || n || '@example.com', 1, n
          from generate_series(1, PEOPLE) n;
        insert into user_roles (user_id, role_id)
        select decode(md5('u' || n), 'hex'), '\\x00000000000000000000000000000002' from generate_series(1, PEOPLE) n;
        insert into user_roles (user_id, role_id)
        select decode(md5('u' || n), 'hex'), '\\x00000000000000000000000000000001' from generate_series(1, 10) n;
        insert into passkeys (credential_id, user_id, public_key, algorithm, sign_count, aaguid, transports, user_verified,
                              backup_eligible, backed_up, name, created_at)
        select decode(md5('p' || n), 'hex'), decode(md5('u' || n), 'hex'), '\\x00', -7, 0, '\\x00', '', 1, 1, 1, 'Passkey', n
          from generate_series(1, PEOPLE) n;
        insert into sessions (id, user_id, token_hash, user_epoch, method, passkey, aal, user_verified, backup_eligible, backed_up,
                              created_at, authenticated_at, expires_at)
        select decode(md5('s' || n || '-' || m), 'hex'), decode(md5('u' || n), 'hex'), '\\x00', 0, 2, decode(md5('p' || n), 'hex'),
               2, 1, 1, 1, n, n, n + 1000000000
          from generate_series(1, PEOPLE) n, generate_series(1, 2) m;
        insert into session_activity (session_id, last_seen_at) select id, created_at from sessions;
        insert into codes (id, purpose, email_key, binding, form, code_mac, attempts_left, created_at, expires_at)
        select decode(md5('c' || n), 'hex'), 1, convert_to('u' || n || '@example.com', 'UTF8'), '\\x', 8, '\\x00', 5, n,
               n + 1000000000
          from generate_series(1, PEOPLE) n;
        insert into spent_challenges (nonce, expires_at) select decode(md5('n' || n), 'hex'), n + 1000000000
          from generate_series(1, PEOPLE) n;
        insert into address_limits (address_mac, failures, interval_tat, quarter_tat, hour_tat, day_tat, expires_at)
        select decode(md5('a' || n), 'hex'), 0, n, n, n, n, n + 1000000000 from generate_series(1, PEOPLE) n;
        insert into outbox (id, kind, payload, available_at, claimed_until, attempts, expires_at)
        select decode(md5('o' || n), 'hex'), 1, '\\x00', n + 1000000000, n + 1000000000, 0, n from generate_series(1, PEOPLE) n;
        insert into events (id, at, kind, subject, result)
        select decode(lpad(to_hex(n + 1000000000), 12, '0') || left(md5(n || '-' || m), 20), 'hex'), n + 1000000000, 'authn_login_success', decode(md5('u' || n), 'hex'), 1
          from generate_series(1, PEOPLE) n, generate_series(1, 10) m;
        insert into passkey_offers (user_id, refused)
        select decode(md5('u' || n), 'hex'), 1 from generate_series(1, PEOPLE) n;
        insert into invalidations (shard, seq, id, kind, subject, at)
        select n % 64, n + 1000, decode(md5('i' || n), 'hex'), 1, '\\x00', n + 1000000000 from generate_series(1, PEOPLE) n;
        set session_replication_role = default;
        analyze";
    let script = script.replace("PEOPLE", PEOPLE);
    client.batch_execute(&script).await.unwrap();
}

/// The tables that grow with people and with time.
const GROWING: [&str; 13] = [
    "users",
    "user_emails",
    "user_roles",
    "passkeys",
    "passkey_offers",
    "sessions",
    "session_activity",
    "codes",
    "spent_challenges",
    "address_limits",
    "outbox",
    "events",
    "invalidations",
];

/// Statements that may go through a whole table, and why.
const MAY_SCAN: [(&str, &str); 2] = [
    (
        "codes/store.rs: DELETE_OF",
        "someone is erased, and codes are gone within the hour",
    ),
    (
        "outbox.rs: RELEASE",
        "once at each start, and the outbox is nearly empty",
    ),
];

/// Every statement, planned as servers plan it, finds its rows by an index: where tables are as a server finds them that is
/// the first, and plans for all time, and where they hold much.
#[tokio::test]
async fn every_statement_is_a_lookup() {
    on_every_database(async |world| {
        let Some(client) = connect(&world).await else {
            return;
        };
        // As the driver sets up its sessions.
        let settings = "
            set plan_cache_mode = force_generic_plan;
            set enable_seqscan = off;
            set enable_hashjoin = off;
            set enable_mergejoin = off;
            set jit = off";
        client.batch_execute(settings).await.unwrap();
        let mut wrong = scans(&client).await;
        populate(&client).await;
        wrong.extend(scans(&client).await);
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    })
    .await;
}

/// The statements that go through a table that grows, with their plans.
async fn scans(client: &Client) -> Vec<String> {
    let mut asked = Vec::new();
    for statement in statements() {
        let types = types(client, &statement).await;
        asked.push((statement, types));
    }
    for (place, _) in MAY_SCAN {
        let is_there = |(statement, _): &(Statement, _)| statement.place == place;
        assert!(asked.iter().any(is_there), "{place}");
    }
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/postgres/log.rs");
    let poll = statements_in(&log)
        .into_iter()
        .find(|statement| statement.place.ends_with(": POLL"));
    asked.push((
        poll.unwrap(),
        vec![Type::BYTEA, Type::INT8, Type::INT8_ARRAY],
    ));
    let mut wrong = Vec::new();
    for (Statement { place, sql }, types) in asked {
        let plan = plan(client, &sql, &types).await;
        let scanned: Vec<_> = GROWING
            .iter()
            .filter(|table| goes_through(&plan, table))
            .collect();
        let may = MAY_SCAN.iter().any(|(it, _)| *it == place);
        if !scanned.is_empty() && !may {
            wrong.push(format!("{place} goes through {scanned:?}:\n{plan}"));
        }
    }
    wrong
}

/// Whether a plan reads all of a table: by itself, or by an index of which it knows no part.
fn goes_through(plan: &str, table: &str) -> bool {
    let on_table = format!(" on {table}");
    let mut lines = plan.lines().peekable();
    while let Some(line) = lines.next() {
        let is_scan = line.contains("Scan") && {
            let of = line.find(&on_table).map(|at| &line[at + on_table.len()..]);
            of.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        let mut details = Vec::new();
        while let Some(detail) = lines.next_if(|line| !line.contains("->")) {
            details.push(detail.trim_start());
        }
        let by_part = line.contains("Bitmap Heap Scan")
            || details
                .iter()
                .any(|detail| detail.starts_with("Index Cond:"));
        if is_scan && !by_part {
            return true;
        }
    }
    false
}

/// How the server would run a statement for someone who exists, a name that does, and 500 rows or milliseconds.
async fn plan(client: &Client, sql: &str, types: &[Type]) -> String {
    let names: Vec<_> = types
        .iter()
        .map(|of| match *of {
            Type::INT8_ARRAY => "bigint[]",
            _ => of.name(),
        })
        .collect();
    let values: Vec<_> = types
        .iter()
        .map(|of| match *of {
            Type::INT8 => "500",
            Type::TEXT => "'text'",
            Type::INT8_ARRAY => "array_fill(cast(500 as bigint), array[64])",
            _ => "decode(md5('u500'), 'hex')",
        })
        .collect();
    let of = |list: &[&str]| match list {
        [] => String::new(),
        list => format!("({})", list.join(", ")),
    };
    let prepare = format!("prepare asked {} as {sql}", of(&names));
    client.batch_execute(&prepare).await.unwrap();
    let explain = format!("explain (costs off) execute asked {}", of(&values));
    let rows = client.query(&explain, &[]).await.unwrap();
    client.batch_execute("deallocate asked").await.unwrap();
    let lines = rows.iter().map(|row| row.get::<_, String>(0));
    lines.collect::<Vec<_>>().join("\n")
}

/// What a request is answered that waits for others who change the same rows, and then commit.
async fn meanwhile(world: &World, changes: &str, request: impl Future<Output = Reply>) -> Reply {
    const WAITING: &str = "select count(*) from pg_stat_activity
                            where datname = current_database() and wait_event_type = 'Lock'";
    let (change, watch) = (connect(world).await, connect(world).await);
    let (change, watch) = (change.unwrap(), watch.unwrap());
    let begin = format!("begin; {changes}");
    change.batch_execute(&begin).await.unwrap();
    let commit = async {
        while watch
            .query_one(WAITING, &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
            == 0
        {
            tokio::task::yield_now().await;
        }
        change.batch_execute("commit").await.unwrap();
    };
    let (reply, ()) = timeout(Duration::from_secs(10), join(request, commit))
        .await
        .expect("it waits for a row");
    reply
}

/// A code that waits while the account gets another address opens nothing: it was sent to the old one, and all other sessions
/// have just been ended.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_code_for_an_address_that_moves_meanwhile_opens_nothing() {
    let world = World::new().await;
    world.sign_in(&world.native(), ADA).await;
    world.advance(Span::seconds(30));
    let late = world.native();
    let ask = json!({ "email": ADA });
    late.post("/auth/verify", ask).await.created();
    let code = world.inbox(ADA).await.code();
    let moves = "
        update users set updated_at = updated_at;
        insert into user_emails (email_key, user_id, address, norm_version, verified_at)
        select 'new@example.com', user_id, 'new@example.com', norm_version, verified_at from user_emails;
        delete from user_emails where address <> 'new@example.com';
        delete from sessions";

    let form = json!({ "method": "otp", "email": ADA, "token": code });
    let reply = meanwhile(&world, moves, late.post("/auth/sessions", form)).await;

    reply.problem(401, "invalid_code");
    assert_eq!(world.value::<i64>("select count(*) from sessions"), 0);
}

/// A session that is ended while it waits to change the account changes nothing, whichever way it is ended.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: tests/with-postgres"]
async fn a_session_that_ends_meanwhile_changes_nothing() {
    const NEW: &str = "new@example.com";
    let world = World::new().await;
    for ends in [
        "delete from sessions",
        "update users set auth_epoch = auth_epoch + 1",
    ] {
        for change in ["erase", "rename", "move"] {
            world.advance(Span::seconds(30));
            let ada = world.native();
            world.sign_in(&ada, ADA).await;
            let ask = json!({ "email": NEW });
            ada.post("/auth/me/email", ask).await.created();
            let code = world.inbox(NEW).await.code();

            let form = json!({ "email": NEW, "token": code });
            let eve = json!({ "firstName": "Eve" });
            let reply = match change {
                "erase" => meanwhile(&world, ends, ada.delete("/auth/me")).await,
                "rename" => meanwhile(&world, ends, ada.patch("/auth/me", eve)).await,
                _ => meanwhile(&world, ends, ada.post("/auth/me/email/confirm", form)).await,
            };

            reply.problem(401, "unauthenticated");
            let address: String = world.value("select address from user_emails");
            assert_eq!(address, ADA);
            let renamed: i64 = world.value("select count(first_name) from users");
            assert_eq!(renamed, 0);
        }
    }
}
