// Segment's destination for Qualtrics: an API token, searches by several fields, transactions.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'

import { CUSTOMERS, NEWSLETTER, startSimulator } from './simulator.js'

// Its modules for `import` do not load in Node.
const require = createRequire(import.meta.url)
const { createRequestClient } = require('@segment/actions-core')
const destination = require('@segment/action-destinations/dist/destinations/qualtrics').default

let simulator
let settings
let request

before(async () => {
  simulator = await startSimulator()
  settings = { apiToken: simulator.apiToken, datacenter: 'fra1' }
  // A destination makes its calls with the function that it is given. This one has another origin.
  const send = createRequestClient()
  request = (url, options) => {
    assert.ok(url.startsWith('https://fra1.qualtrics.com/'), url)
    return send(url.replace('https://fra1.qualtrics.com', simulator.origin), options)
  }
})

after(() => simulator.stop())

/** The elements of a list of the simulator, to see what the destination did. */
async function elements(path) {
  const headers = { 'x-api-token': simulator.apiToken }
  const response = await fetch(`${simulator.origin}/API/v3/directories/${CUSTOMERS}${path}`, { headers })
  return (await response.json()).result.elements
}

test('the connection is tested, and directories are offered', async () => {
  assert.equal(await destination.authentication.testAuthentication(request, { settings }), true)
  const wrong = { ...settings, apiToken: 'wrong' }
  await assert.rejects(destination.authentication.testAuthentication(request, { settings: wrong }), /Unauthorized/)
  const offered = await destination.actions.addContactToXmd.dynamicFields.directoryId(request, { settings })
  assert.deepEqual(offered.choices[0], { label: 'Customers', value: CUSTOMERS })
})

test('a contact is created once, and updated by its address', async () => {
  const { perform } = destination.actions.addContactToXmd
  const payload = { directoryId: CUSTOMERS, email: 'new@example.org', extRef: 'N-1', firstName: 'New', unsubscribed: false }
  const created = await perform(request, { settings, payload })
  const again = { directoryId: CUSTOMERS, email: 'New@example.org', unsubscribed: true }
  assert.deepEqual(await perform(request, { settings, payload: again }), created)
  const [optedOut] = await elements('/contacts/optedOutContacts')
  assert.deepEqual([optedOut.contactId, optedOut.firstName], [created.id, 'New'])
})

test('a transaction is added to the contact that is found', async () => {
  const payload = {
    directoryId: CUSTOMERS,
    mailingListId: NEWSLETTER,
    extRef: 'CUST-0001',
    email: 'ada.lovelace@example.com',
    phone: '+12025550101',
    transactionDate: '2026-01-04T10:00:00.000Z',
    transactionData: { total: 12.5, gift: true },
  }
  const { perform } = destination.actions.upsertContactTransaction
  const { createdTransactions, unprocessedTransactions } = await perform(request, { settings, payload })
  assert.deepEqual(unprocessedTransactions, {})
  const [{ id }] = Object.values(createdTransactions)
  const [transaction] = await elements('/contacts/CID_000000000000001/transactions')
  assert.equal(transaction.transactionId, id)
  assert.deepEqual(transaction.data, { gift: 'true', total: '12.5' })
  assert.equal(transaction.transactionDate, '2026-01-04T10:00:00Z')
})

test('a contact that is not found is created for its transaction', async () => {
  const before = (await elements('/contacts')).length
  const payload = { directoryId: CUSTOMERS, mailingListId: NEWSLETTER, extRef: 'N-2', email: 'second@example.org' }
  await destination.actions.upsertContactTransaction.perform(request, { settings, payload })
  const contacts = await elements('/contacts')
  assert.equal(contacts.length, before + 1)
  const { contactId } = contacts.find((contact) => contact.extRef === 'N-2')
  assert.equal((await elements(`/contacts/${contactId}/transactions`)).length, 1)
})
