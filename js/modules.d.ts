declare module '@tiercel/*'
declare module '*.node'
