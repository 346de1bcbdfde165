import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { until } from './time.mjs'

/**
 * Becomes the command, and leaves a guard behind that holds the read end of a pipe of ours. However
 * this process ends, the system then closes the pipe: the guard kills the command and removes its
 * directory. A line in the pipe dismisses the guard.
 */
const GUARD = `
  { read -r _ <&3 || { kill -9 $$; rm -rf "$1"; }; } 4<&- >/dev/null 2>&1 &
  shift
  exec "$@" 3<&-`

/**
 * A child that cannot outlive this process. It does not keep this process alive either.
 *
 * @param {string[]} command
 * @param {{ dir: string, log: string, env?: NodeJS.ProcessEnv, cwd?: string, ipc?: boolean }} how
 *   `dir` goes when this process ends; `log` gets the output of the child
 */
export function spawnGuarded(command, { dir, log, env, cwd = dir, ipc = false }) {
  const out = openSync(log, 'a')
  const child = spawn('sh', ['-c', GUARD, 'sh', dir, ...command], {
    cwd,
    env,
    stdio: ['ignore', out, out, 'pipe', ...(ipc ? ['ipc'] : [])],
    serialization: 'advanced',
  })
  closeSync(out)
  const guard = child.stdio[3]
  guard.on('error', () => {}).unref()
  child.unref()
  const exited = new Promise((resolve) => {
    child.once('error', resolve)
    child.once('exit', (code, signal) => {
      guard.end('dismissed\n')
      resolve(signal ?? code)
    })
  })
  return new Guarded(child, exited, log)
}

/** Nobody rings it. */
const BELL = new Int32Array(new SharedArrayBuffer(4))

/** Whether a thread of a process that is to stand still may still run. */
function isMoving(pid) {
  try {
    const stats = readdirSync(`/proc/${pid}/task`).map((id) =>
      readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8'),
    )
    // After the name, which may have any character in it.
    return stats.some((stat) => !/^[TtZX]/.test(stat.slice(stat.lastIndexOf(')') + 2)))
  } catch {
    return false
  }
}

class Guarded {
  constructor(child, exited, log) {
    this.child = child
    this.pid = child.pid
    /** Resolves to the exit code, or the signal that ended it. */
    this.exited = exited
    this.logFile = log
  }

  get isAlive() {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** The output so far. */
  log() {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : ''
  }

  /** Resolves when it has ended; if it ignores the signal for `patience` ms, by force. */
  async kill(signal = 'SIGKILL', patience = 5_000) {
    if (!this.isAlive) return this.exited
    this.child.ref()
    this.child.kill(signal)
    const force = setTimeout(() => this.child.kill('SIGKILL'), patience)
    const how = await this.exited
    clearTimeout(force)
    return how
  }

  /**
   * Freezes it: connections stay open, nothing answers. Returns once all threads stand still, which
   * takes a while on a busy machine.
   */
  pause() {
    this.child.kill('SIGSTOP')
    for (let n = 0; n < 2_000 && isMoving(this.pid); n++) Atomics.wait(BELL, 0, 0, 1)
  }

  resume() {
    this.child.kill('SIGCONT')
  }
}

/** Whether a process with that id exists and is no zombie. */
export function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch (error) {
    return error.code === 'ENOENT' && !existsSync('/proc/self')
  }
}

export const gone = (pids, within = 5_000) =>
  until(`processes ${pids} are gone`, () => (pids.some(isRunning) ? undefined : true), { within })
