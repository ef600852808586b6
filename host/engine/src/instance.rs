//! One call of one operation: a store of its own with its limits, an instance in it, and its end.

use agent_capability::bindings::PluginPre;
use agent_capability::bindings::ops::types::types::Invocation;
use agent_capability::{Gate, PluginCtx, PluginView};
use agent_core::failure::{Failure, Kind};
use agent_core::journal::Returned;
use agent_core::limits::{DOCUMENT, Limits};
use wasmtime::component::ResourceTable;
use wasmtime::{CallHook, Error, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::clock;
use crate::compiler::Compiler;
use crate::limiter::{Limiter, Tripped};
use crate::stdio::{Captured, Output};
use crate::trap;

/// How many bytes of a summary are kept.
const SUMMARY: usize = 1 << 10;

/// How many calls of the system a guest may make for each call of the contract.
const SYSTEM_CALLS: u64 = 100;

/// What the store of one call of an operation holds.
pub struct State {
    ctx: PluginCtx,
    wasi: WasiCtx,
    table: ResourceTable,
    clock: clock::Monotonic,
    limiter: Limiter,
}

impl State {
    pub(crate) fn monotonic_clock(&mut self) -> clock::View<'_> {
        clock::View {
            clock: &self.clock,
            table: &mut self.table,
        }
    }
}

impl PluginView for State {
    fn ctx(&mut self) -> &mut PluginCtx {
        &mut self.ctx
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// One call to be made.
pub(crate) struct CallSpec {
    /// Id and version of the plugin, for messages.
    pub(crate) plugin: String,
    pub(crate) limits: Limits,
    pub(crate) gate: Gate,
    pub(crate) invocation: Invocation,
}

/// Calls an operation in a store of its own.
///
/// # Errors
/// What the operation returned as its error; why the guest ended otherwise.
pub(crate) async fn run(
    compiler: &Compiler,
    pre: &PluginPre<State>,
    spec: CallSpec,
) -> Result<Returned, Failure> {
    let CallSpec {
        plugin,
        limits,
        gate,
        invocation,
    } = spec;
    let meter = gate.meter().clone();
    let ctx = PluginCtx::new(gate.clone(), &limits)?;
    let log = ctx.log_book().clone();
    let output = Output::new(log);
    let _ticking = compiler.ticker().tick();
    let (stdout, stderr) = (output.stdout.clone(), output.stderr.clone());
    let mut store = store(compiler, ctx, &limits, stdout, stderr);
    let called = async {
        let instance = pre.instantiate_async(&mut store).await?;
        instance
            .ops_plugin_provider()
            .call_run(&mut store, &invocation)
            .await
    };
    let returned = meter.measure(called).await;
    let last = output.stderr.last();
    // Ends the guest with all that it has, and then its log.
    drop(store);
    drop(output);
    let returned = returned.map_err(|error| trap::failure(&plugin, &limits, &last, &error))?;
    let outcome = returned.map_err(|error| gate.heard(error.into()))?;
    if outcome.value.len() > DOCUMENT {
        return Err(too_long(&plugin));
    }
    gate.burden(&outcome.value)?;
    let value = serde_json::from_str(&outcome.value).map_err(|error| no_result(&plugin, &error))?;
    Ok(Returned {
        value,
        failed: outcome.failed,
        summary: agent_core::text::cut(&outcome.summary, SUMMARY).into_owned(),
    })
}

fn store(
    compiler: &Compiler,
    ctx: PluginCtx,
    limits: &Limits,
    stdout: Captured,
    stderr: Captured,
) -> Store<State> {
    let gate = ctx.gate().clone();
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.table_entries);
    let mut wasi = WasiCtxBuilder::new();
    wasi.stdout(stdout).stderr(stderr).max_random_size(64 << 10);
    wasi.allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    clock::record(&mut wasi, ctx.gate());
    let state = State {
        clock: clock::Monotonic::new(&gate),
        ctx,
        wasi: wasi.build(),
        table,
        limiter: Limiter::new(limits, gate.memory()),
    };
    let mut store = Store::new(compiler.engine(), state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(limits.host_call_bytes);
    store.set_max_component_handles(limits.table_entries);
    bound_calls(&mut store, limits.calls.saturating_mul(SYSTEM_CALLS));
    bound_cpu(&mut store, gate);
    store
}

/// Bounds how often the guest calls the host, for whatever: what standard libraries ask of the system is no call of the contract.
fn bound_calls(store: &mut Store<State>, most: u64) {
    let mut calls = 0;
    store.call_hook(move |_, hook| {
        calls += u64::from(matches!(hook, CallHook::CallingHost));
        if calls > most {
            return Err(Error::new(Tripped::Calls { calls: most }));
        }
        Ok(())
    });
}

/// Ends the guest when it has computed too much: itself, or the host at its wish, or what it has called. Before it goes on, whoever watches the run has
/// taken what it said.
fn bound_cpu(store: &mut Store<State>, gate: Gate) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if let Some(ms) = gate.meter().over() {
            return Err(Error::new(Tripped::Cpu { ms }));
        }
        let heard = gate.is_ahead().then(|| gate.clone());
        // The executor gets a turn, so that a deadline can pass and a cancel can be heard while a guest computes.
        let turn = Box::pin(async move {
            tokio::task::yield_now().await;
            if let Some(gate) = heard {
                gate.wait_to_be_heard().await;
            }
        });
        Ok(UpdateDeadline::YieldCustom(1, turn))
    });
}

fn too_long(plugin: &str) -> Failure {
    let message = format!("plugin `{plugin}` returned a result of more than {DOCUMENT} bytes");
    Failure::new(Kind::Exhausted, "plugin.result-too-large", message)
}

fn no_result(plugin: &str, error: &serde_json::Error) -> Failure {
    let message = format!("plugin `{plugin}` returned a result that is no JSON");
    Failure::new(Kind::Invalid, "plugin.invalid-result", message)
        .because(error.to_string())
        .hinted("this is a fault of the plugin: tell its author")
}
