import { Moment } from './moment'

type Login = {
  handle: string
  device: string | undefined
  createdAt: number
  lastSeenAt: number
  isThis: boolean
}

/** Where a user is logged in. */
export function SessionList({ sessions }: { sessions: Login[] }) {
  return (
    <ul className="logins">
      {sessions.map(({ handle, device, createdAt, lastSeenAt, isThis }) => (
        <li key={handle} data-session={isThis ? 'this' : 'other'}>
          <p>
            <b>{browserOf(device)}</b> {isThis && <span className="source cache">This one</span>}
          </p>
          <dl className="facts">
            <div>
              <dt>Began</dt>
              <dd>
                <Moment at={createdAt} />
              </dd>
            </div>
            <div>
              <dt>Last seen</dt>
              <dd>
                <Moment at={lastSeenAt} />
              </dd>
            </div>
          </dl>
        </li>
      ))}
    </ul>
  )
}

/** A browser says first that it is others. */
function browserOf(device = '') {
  const names = ['Edg', 'OPR', 'Firefox', 'Chrome', 'Safari', 'curl']
  return names.find((name) => device.includes(name)) ?? 'Unknown device'
}
