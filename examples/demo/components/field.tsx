import type { ComponentProps } from 'react'

type Props = ComponentProps<'input'> & { name: string; label: string; submit: string }

/** One input with its label, and the button that sends its form. */
export function Field({ name, label, submit, ...input }: Props) {
  return (
    <>
      <label htmlFor={name}>{label}</label>
      <input key={name} id={name} name={name} required {...input} />
      <button type="submit" className="button primary">
        {submit}
      </button>
    </>
  )
}
