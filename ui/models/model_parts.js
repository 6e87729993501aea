// Several files of one model, chosen together: they travel as one zip file, which Python reads as it reads a
// visitor's own. `zipArchive`, `limits`, `few`, `header` and `problem` are those of the scripts around it.
const INDEX = ".safetensors.index.json", ADAPTER = "adapter_config.json";
const endOf = (name, end) => (name.endsWith(end) ? name.slice(0, -end.length) : "");

// The files that a model is read from; a tokenizer, a README and the like stay where they are.
const parts = (files) => [...files].filter((file) => limits.beside.includes(file.name) || file.name.endsWith(".safetensors") || file.name.endsWith(INDEX));

// Whether files have to be looked at together, one of them too if it is nothing without others.
const together = (files) => files.length > 1 || (files[0].name.endsWith(".json") && parts(files).length === 1);

const absentShards = async (index, names) => {
    if (index.size > limits.header) throw `${index.name} is too large for an index.`;
    let wanted;
    try {
        wanted = Object.values(JSON.parse(await index.text()).weight_map).map(String);
    } catch {
        throw `${index.name} is no index of shards: it has no readable weight_map.`;
    }
    return [...new Set(wanted)].filter((name) => !names.includes(name)).sort();
};

// What is wrong with several files, "" if nothing is as far as names and heads tell.
const partsProblem = async (files) => {
    const used = parts(files), names = used.map((file) => file.name);
    const indices = used.filter((file) => file.name.endsWith(INDEX));
    const weights = used.filter((file) => file.name.endsWith(".safetensors"));
    const total = used.reduce((sum, file) => sum + file.size, 0);
    if (total > limits.bytes)
        return `${used.length} files have ${(total / 1e9).toFixed(1)} GB, at most ${(limits.bytes / 1e9).toFixed(1)} are taken together: save the image tower alone.`;
    if (names.includes(ADAPTER)) {
        const there = weights.length || names.includes("adapter_model.bin");
        return there ? "" : `Choose adapter_model.safetensors together with ${ADAPTER}: it has the adapter's weights.`;
    }
    if (indices.length) {
        const absent = await absentShards(indices[0], names);
        if (absent.length) return `Choose the shards together with ${indices[0].name}; not among the files: ${few(absent)}.`;
        for (const file of weights) await header(file);
        return "";
    }
    if (weights.length === 1) return problem(weights[0]);
    return `Expected one file, shards with their index, or an adapter with its ${ADAPTER}, got ${few(files.map((file) => file.name))}: choose all files of one model.`;
};

// The zip file that they travel in. Its checksums are left out: the upload is checked by its tensors' sizes.
const packed = (files) => {
    const used = parts(files), archive = zipArchive();
    for (const file of used) archive.addUnread(file.name, file);
    const index = used.find((file) => file.name.endsWith(INDEX));
    const adapter = used.some((file) => file.name === ADAPTER);
    const weights = used.find((file) => file.name.endsWith(".safetensors"));
    const stem = adapter ? "adapter" : index ? endOf(index.name, INDEX) : endOf(weights.name, ".safetensors");
    return new File([archive.finish()], `${stem || "model"}.zip`);
};
