// Upload of a visitor's checkpoint: the head of the file is read here first, so that a file that cannot be used
// costs no transfer; then it is sent with progress and a button to cancel. Python checks everything again.
// Runs as js_on_load of a gr.HTML: `element`, `props` and `trigger` are Gradio's; `limits` and `inside` are ours.
const around = `^(?:(?:${limits.around.join("|")})\\.)*?`;
const numbered = "(?:visual\\.transformer\\.resblocks|vision_model\\.encoder\\.layers|transformer\\.resblocks|encoder\\.layers)\\.\\d+";
const staged = "(?:visual\\.)?trunk\\.stages\\.\\d+\\.blocks\\.\\d+"; // timm's ConvNeXt
const block = new RegExp(`${around}(${numbered}|${staged})\\.`);
const tower = new RegExp(`${around}(?:visual|vision_model)\\.`);
// Parts that torch's wrappers put into names
const wrappers = /(^|\.)(?:_orig_mod|_fsdp_wrapped_module|_fpw_module|_checkpoint_wrapped_module|module)(?=\.)/g;
let sending = null;

const say = (text, bad) => {
    const line = element.querySelector("[data-said]");
    line.textContent = text;
    line.className = bad ? "lx-notice" : "lx-status";
    line.setAttribute("role", bad ? "alert" : "status");
};
const bar = (event) => {
    const row = element.querySelector("[data-sending]");
    row.hidden = !event;
    if (!event) return;
    row.querySelector("progress").max = event.total;
    row.querySelector("progress").value = event.loaded;
    const megabytes = (bytes) => Math.round(bytes / 1e6).toLocaleString("en");
    row.querySelector("span").textContent = `${megabytes(event.loaded)} of ${megabytes(event.total)} MB`;
};
const bytes = async (file, from, to) => new DataView(await file.slice(from, to).arrayBuffer());
const few = (names) => names.slice(0, 3).join(", ") + (names.length > 3 ? ", ..." : "");

// The tensors of a safetensors file, from its header: {name: {dtype, shape}}. Throws what is wrong with it.
const header = async (file) => {
    const start = await bytes(file, 0, 8);
    const length = start.byteLength < 8 ? Infinity : Number(start.getBigUint64(0, true));
    if (length > Math.min(limits.header, file.size - 8))
        throw `${file.name} is no whole safetensors file: copy or download it again.`;
    let tensors;
    try {
        tensors = JSON.parse(new TextDecoder().decode(await bytes(file, 8, 8 + length)));
    } catch {
        throw `${file.name} is no safetensors file: its header cannot be read.`;
    }
    delete tensors.__metadata__;
    const ends = Object.values(tensors).map((one) => one?.data_offsets?.[1] ?? 0);
    const end = ends.reduce((most, one) => Math.max(most, one), 0);
    if (8 + length + end !== file.size)
        throw `${file.name} should have ${(8 + length + end).toLocaleString("en")} bytes and has ${file.size.toLocaleString("en")}: copy or download it again.`;
    const odd = Object.entries(tensors).find(([, one]) => !limits.dtypes.includes(one.dtype));
    if (odd) throw `${odd[0]} is of type ${odd[1].dtype}, expected one of ${few(limits.dtypes)}: convert it to float32.`;
    return tensors;
};

// What is wrong with a file for the chosen model, "" if nothing is as far as its head tells.
const problem = async (file) => {
    if (file.size > limits.bytes)
        return `${file.name} has ${(file.size / 1e9).toFixed(1)} GB, at most ${(limits.bytes / 1e9).toFixed(1)} are taken: save the image tower alone.`;
    // The content decides, not the name; what else Python reads or names, it does after the upload
    const start = await bytes(file, 0, 9);
    if (start.byteLength > 4 && start.getUint32(0) === 0x504b0304) return "";
    const text = new TextDecoder().decode(start);
    if (text.startsWith("version ")) return `${file.name} is a git-lfs pointer, not the file that it stands for: run git lfs pull.`;
    if (/^\s*<[!h?]/i.test(text)) return `${file.name} is a web page, not a checkpoint: download the file itself.`;
    if (!(start.byteLength === 9 && start.getUint8(8) === 0x7b) && !file.name.endsWith(".safetensors"))
        return `${file.name} is no file of torch.save: expected that or safetensors.`;
    const held = await header(file);
    const tensors = Object.fromEntries(Object.entries(held).map(([name, one]) => [name.replace(wrappers, "").replace(/^\./, ""), one]));
    const names = Object.keys(tensors);
    if (names.some((name) => name.includes(".lora_A."))) return `${file.name} is an adapter: choose it together with its adapter_config.json.`;
    if (names.some((name) => limits.packed.parts.includes(name.split("::")[1]))) return `${file.name} ${limits.packed.said}`;
    if (/-\d{5}-of-(?!00001)\d{5}\.safetensors$/.test(file.name)) return `${file.name} is a part of a model: choose all of them, with the .safetensors.index.json.`;
    const inTower = names.some((name) => tower.test(name)) ? names.filter((name) => tower.test(name)) : names;
    const blocks = new Set(inTower.map((name) => name.match(block)?.[1]).filter(Boolean)).size;
    if (!blocks)
        return `Expected the image tower of a CLIP, with names such as visual.transformer.resblocks.0..., got ${few(names)}: choose another file.`;
    const shape = (ending) => tensors[inTower.find((name) => name.endsWith(ending))]?.shape;
    const width = shape("class_embedding")?.at(-1);
    const patch = (shape("conv1.weight") ?? shape("patch_embedding.weight"))?.at(-1);
    const fits = (one) => one.blocks === blocks && (!one.width || !width || one.width === width) && (!one.patch || !patch || one.patch === patch);
    const title = document.querySelector("#lx-own-model input")?.value;
    const chosen = limits.models.find((one) => one.title === title);
    if (!chosen || fits(chosen)) return "";
    const other = limits.models.find(fits);
    const said = (one) => [`${one.blocks} blocks`, one.width && `width ${one.width}`, one.patch && `patches of ${one.patch} pixels`].filter(Boolean).join(", ");
    return `Expected ${title} with ${said(chosen)}, got ${said({ blocks, width, patch })}: ` + (other ? `it is one of ${other.title}, choose that.` : "choose the model it was fine-tuned from.");
};

const send = (file) => {
    const config = window.gradio_config ?? {};
    const api = `${config.root ?? ""}${config.api_prefix ?? "/gradio_api"}`;
    const form = new FormData();
    form.append("files", file, file.name);
    const request = (sending = new XMLHttpRequest());
    request.upload.onprogress = bar;
    request.onabort = () => say("The upload was cancelled.", false);
    request.onerror = () => say("The upload broke off: check the connection and choose the file again.", true);
    request.onload = () => {
        if (request.status !== 200) return say(request.responseText || `The upload was refused (${request.status}).`, true);
        const [path] = JSON.parse(request.responseText);
        const url = `${api}/file=${path}`; // without it the field says "Uploading..."
        say(`${file.name} is uploaded: choose its task and add it.`, false);
        props.value = JSON.stringify({ path, url, orig_name: file.name, size: file.size, meta: { _type: "gradio.FileData" } });
        trigger("change");
    };
    request.onloadend = () => {
        sending = null;
        bar(null);
    };
    request.open("POST", `${api}/upload`);
    bar({ loaded: 0, total: file.size });
    say(`Uploading ${file.name}.`, false);
    request.send(form);
};

const take = async (files) => {
    sending?.abort();
    const several = together(files), what = files.length > 1 ? `${files.length} files` : files[0].name;
    say(`Checking ${what}.`, false);
    let wrong;
    try {
        wrong = await (several ? partsProblem(files) : problem(files[0]));
    } catch (error) {
        wrong = typeof error === "string" ? error : `${what} cannot be read: choose again.`;
    }
    if (wrong) say(wrong, true);
    else send(several ? packed(files) : files[0]);
};

element.querySelector("[data-sending] button").onclick = () => sending?.abort();
const caught = (event, files) => {
    if (!files?.length || !event.target.closest?.(inside)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    take([...files]); // a list of its own: the field is emptied
};
const offerSeveral = () => document.querySelectorAll(`${inside} input[type=file]`).forEach((input) => (input.multiple = true));
offerSeveral();
window.lxUpload?.abort(); // the listeners of an earlier copy of this element
const { signal } = (window.lxUpload = new AbortController());
document.addEventListener("click", (event) => event.target.closest?.(inside) && offerSeveral(), { capture: true, signal });
document.addEventListener("change", (event) => {
    const { files } = event.target;
    caught(event, files);
    if (files?.length && event.target.closest?.(inside)) event.target.value = "";
}, { capture: true, signal });
document.addEventListener("drop", (event) => caught(event, event.dataTransfer?.files), { capture: true, signal });
