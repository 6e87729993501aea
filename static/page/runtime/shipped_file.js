// What `read` makes of the reply for a file that ships with the page. Fails with `missing`, words that have a {reason}:
// no connection, an error of the host, or what a network that wants to be signed in to answers in place of the file.
async function shippedFile(address, missing, read) {
  try {
    const reply = await fetch(address);
    if (!reply.ok) throw new Error(reply.status);
    return await read(reply);
  } catch (problem) {
    throw new Error(fillIn(missing, { reason: problem.message }), { cause: problem });
  }
}
