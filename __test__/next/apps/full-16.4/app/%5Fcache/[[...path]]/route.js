export { GET, POST } from 'tiercel/dashboard'
