export { GET } from 'tiercel/metrics'
