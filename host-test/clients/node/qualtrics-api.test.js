// `qualtrics-api`: an API token, a slash at the end of some paths, two in a row in others.

import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, test } from 'node:test'

import Qualtrics from 'qualtrics-api'

import { ADMINISTRATOR, CUSTOMERS, NEWSLETTER, startSimulator } from './simulator.js'

let simulator
let qualtrics

before(async () => {
  simulator = await startSimulator()
  qualtrics = new Qualtrics({
    apiToken: simulator.apiToken,
    // Its own setting. The agent is its own as well: the default one speaks HTTPS only.
    baseUrl: `${simulator.origin}/API/v3/`,
    agent: new http.Agent(),
    defaultDirectory: CUSTOMERS,
  })
})

after(() => simulator.stop())

test('users are read and renamed', async () => {
  const me = (await qualtrics.whoami()).result
  assert.equal(me.userId, ADMINISTRATOR)
  const users = await qualtrics.user().getAll()
  assert.deepEqual(
    users.map((user) => user.id).filter((id) => id === me.userId),
    [me.userId],
  )
  const linus = qualtrics.user('UR_2bLinusStaff0002')
  assert.equal((await linus.update({ firstName: 'Linnea' })).meta.httpStatus, '200 - OK')
  const renamed = (await linus.get()).result
  assert.deepEqual([renamed.firstName, renamed.lastName], ['Linnea', 'Staff'])
})

test('a contact is read, opted out and removed', async () => {
  const directory = qualtrics.directory()
  const contacts = await directory.getAllContacts()
  const { contactId } = contacts.find((contact) => contact.email === 'claude@example.com')
  const before = (await directory.getContact(contactId)).result
  assert.equal((await directory.unsubscribedContact(contactId)).meta.httpStatus, '200 - OK')
  const after = (await directory.getContact(contactId)).result
  const { directoryUnsubscribed, directoryUnsubscribeDate, lastModified, ...rest } = after
  assert.equal(directoryUnsubscribed, true)
  assert.equal(directoryUnsubscribeDate, lastModified)
  for (const [name, value] of Object.entries(rest)) assert.deepEqual(value, before[name], name)
  assert.equal((await directory.removeContact(contactId)).result, undefined)
  await assert.rejects(directory.getContact(contactId), (error) => error.meta.error.errorCode === 'GED_3')
  assert.equal((await directory.getAllContacts()).length, contacts.length - 1)
})

test('the contacts of a mailing list are added, changed and removed', async () => {
  const created = (await qualtrics.mailingList().add({ name: 'Spring', ownerId: ADMINISTRATOR })).result.id
  const list = qualtrics.mailingList(created)
  const [first, second] = await list.addContacts([{ email: 'one@example.org' }, { email: 'two@example.org' }])
  await list.updateContact(first.result.id, { firstName: 'One', unsubscribed: true })
  const changed = (await list.getContact(first.result.id)).result
  assert.deepEqual([changed.firstName, changed.mailingListUnsubscribed], ['One', true])
  await list.removeContact(second.result.contactLookupId)
  assert.deepEqual((await list.getAllContacts()).map((contact) => contact.email), ['one@example.org'])
  assert.equal((await qualtrics.getDirectoryContact(second.result.id)).result.email, 'two@example.org')
  await list.delete()
  await assert.rejects(list.getContacts(), (error) => error.meta.httpStatus === '404 - Not Found')
})

test('a mailing list is read page by page', async () => {
  const list = qualtrics.mailingList(NEWSLETTER)
  const members = (await list.getAllContacts()).length
  for (let n = members; n < 60; n += 1) await list.addContact({ email: `many-${n}@example.org` })
  const { result } = await list.getContacts()
  assert.equal(result.elements.length, 50)
  assert.equal((await list.getAllContacts()).length, 60)
})
